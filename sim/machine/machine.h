/* machine: a PC, wired. One function (machine_new in machine.c) connects every chip, top to bottom,
 * like a schematic; nothing mutable lives outside struct machine, so two of them run in one
 * process.
 *
 * What goes out (serial characters, the POST code, the exit device) leaves through the callbacks of
 * struct machine_host; what comes in (serial characters, keys) is an input of the run and arrives
 * at a stated cycle. */
#pragma once

#include "cpu/cpu.h"
#include "devices/apic_local.h"
#include "devices/debug_exit.h"
#include "devices/kbd_8042.h"
#include "devices/pic_8259.h"
#include "devices/pit_8254.h"
#include "devices/port_61.h"
#include "devices/port_80.h"
#include "devices/port_92.h"
#include "devices/rtc_mc146818.h"
#include "devices/uart_16550.h"
#include "devices/vga_text.h"
#include "mmu/mmu.h"
#include "sim/core/bus.h"
#include "sim/core/clock.h"
#include "sim/core/ledger.h"
#include "sim/machine/config.h"
#include "sim/machine/load.h"

#define MACHINE_UARTS 2

struct machine_host {
    void *owner;
    void (*serial)(void *owner, int port, uint8_t byte); /* a character has left COM1 or COM2 */
    void (*post)(void *owner, uint8_t code);
    void (*speaker)(void *owner, bool on);
};

enum machine_end {
    END_NONE,
    END_HALTED,      /* halted for good */
    END_RESET,       /* the guest asked for a reset and -no-reboot was given */
    END_SHUTDOWN,    /* triple fault */
    END_DEBUG_EXIT,  /* isa-debug-exit was written */
    END_STOPPED,     /* the host asked: a limit, a text on the serial port, a debugger */
};

struct machine;
struct machine_uart_owner {
    struct machine *machine;
    int port;
};

struct machine {
    struct machine_config config;
    struct machine_host host;
    struct clock clock;
    struct ledger ledger;
    struct bus bus;
    struct phys phys;
    struct mmu mmu;
    struct cpu *cpu;

    struct apic apic; /* if config.apic, and the board's IMCR */
    uint8_t imcr_index;
    struct pic master, slave;
    struct pit pit;
    struct port_61 port_61;
    struct rtc rtc;
    struct uart uart[MACHINE_UARTS];
    struct machine_uart_owner uart_owner[MACHINE_UARTS];
    struct kbd kbd;
    struct port_92 port_92;
    struct vga vga;
    struct port_80 port_80;
    struct debug_exit debug_exit;
    bool has_debug_exit;
    uint32_t exit_value;
    bool a20_kbd, a20_fast;
    bool reset_wanted;
    bool no_reboot;

    struct boot boot;
    void (*after_reset)(void *owner); /* the guest reset the machine, it is booted anew; or NULL */
    void *after_reset_owner;
    enum machine_end end;
    uint64_t resets;
    struct story *story; /* the last deliveries, for telling a triple fault */
};

/* A timing model that the machine can run on, by name. */
struct model *machine_model_new(const struct machine_config *config, const char *name);

/* Builds and resets the machine. model: one of config->models. config is copied. */
struct machine *machine_new(const struct machine_config *config, const char *model,
                            const struct machine_host *host);
void machine_free(struct machine *m);

/* Adds QEMU's isa-debug-exit. usage_error where the ports are taken. */
void machine_add_debug_exit(struct machine *m, uint16_t iobase, uint16_t iosize);

/* Remembers what to boot, resets, and loads it. */
void machine_boot(struct machine *m, const struct boot *boot);

/* Runs until something ends the run; m->end says what. */
void machine_run(struct machine *m);
/* Runs one instruction (or one delivery, or one wait in HLT): END_STOPPED, unless the run is over.
 * False: something else stopped it too (machine_stop, a watched byte), or it is over. */
bool machine_step(struct machine *m);
/* Ends the run (END_STOPPED) at the next instruction boundary; from a host callback or observer. */
void machine_stop(struct machine *m);

/* Another timing model takes over, cold. */
void machine_set_model(struct machine *m, const char *model);
/* Another processor of the same clock and on the same board, with cold caches, goes on from the
 * state as it is. What the machine has beside the processor stays as it was built. */
void machine_set_processor(struct machine *m, const struct machine_config *config,
                           const char *model);

/* One visitor for everything that determines the future. */
void machine_snapshot(struct machine *m, struct snap *s);
/* The same without memory, for who keeps pages apart. */
void machine_snapshot_but_ram(struct machine *m, struct snap *s);
uint64_t machine_hash(struct machine *m);
