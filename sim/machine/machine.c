#include "sim/machine/machine.h"

#include "cpu/model.h"
#include "cpu/msr.h"
#include "cpu/run.h"
#include "sim/core/check.h"
#include "sim/machine/mp_table.h"
#include "sim/machine/story.h"

#include <stdlib.h>
#include <string.h>

#define PAGE_BYTES 4096u
#define VGA_FIRST 0xA0000u
#define VGA_LAST 0xBFFFFu

/* Order of events that fall due in one cycle. */
enum { PRIORITY_PIT, PRIORITY_RTC, PRIORITY_UART, PRIORITY_KBD, PRIORITY_APIC };

/* --- wires between chips that are not simple lines -------------------------------------------- */

static void set_intr(void *owner, int number, bool level)
{
    struct machine *m = owner;
    (void)number;
    if (level && !m->cpu->intr_line)
        m->cpu->intr_rose = m->clock.firing == CYCLE_NEVER ? m->clock.now : m->clock.firing;
    m->cpu->intr_line = level;
    m->cpu->stop_block = true;
}

static uint8_t acknowledge_pic(void *owner) { return pic_acknowledge(owner); }
static unsigned acknowledge(void *owner) { return pic_acknowledge(owner); }
static unsigned acknowledge_apic(void *owner) { return apic_acknowledge(owner); }

static void set_nmi(void *owner, int number, bool level)
{
    struct machine *m = owner;
    (void)number;
    m->cpu->nmi_pending |= level;
    m->cpu->stop_block = true;
}

static void set_nmi_possible(void *owner, int number, bool possible)
{
    struct machine *m = owner;
    (void)number;
    m->cpu->nmi_possible = possible;
}

/* APIC_BASE was written. */
static void apic_base_written(void *owner, uint64_t value)
{
    struct machine *m = owner;
    if ((value & ~0xFFFull) != APIC_ADDRESS)
        unimplemented("the local APIC was moved: APIC_BASE = %09llx", (unsigned long long)value);
    bool on = value & APIC_BASE_ENABLE;
    if (on != m->apic.enabled)
        apic_enable(&m->apic, on);
}

static void counter_overflowed(void *owner) { apic_counter_overflowed(owner); }

/* Address bit 20 passes if either the 8042 or port 92h lets it. */
static void set_a20(void *owner, int number, bool level)
{
    struct machine *m = owner;
    *(number ? &m->a20_fast : &m->a20_kbd) = level;
    mmu_set_a20(&m->mmu, m->a20_fast || m->a20_kbd);
    m->cpu->stop_block = true;
}

static void want_reset(void *owner, int number, bool level)
{
    struct machine *m = owner;
    (void)number;
    if (!level)
        return;
    m->reset_wanted = true;
    cpu_request_stop(m->cpu);
}

/* FERR# raises IRQ 13; a write to port F0h clears it and asserts IGNNE# until FERR# goes away. */
static void set_ferr(void *owner, bool level)
{
    struct machine *m = owner;
    if (level)
        pic_set_irq(&m->slave, 5, true);
    else
        m->cpu->ignne = false;
}

static void port_f0_write(void *owner, uint32_t port, unsigned size, uint32_t value)
{
    struct machine *m = owner;
    (void)port, (void)size, (void)value;
    pic_set_irq(&m->slave, 5, false);
    m->cpu->ignne = true;
}

static void debug_exit_written(void *owner, uint32_t value)
{
    struct machine *m = owner;
    m->exit_value = value;
    m->end = END_DEBUG_EXIT;
    cpu_request_stop(m->cpu);
}

static void post_code(void *owner, uint8_t code)
{
    struct machine *m = owner;
    if (m->host.post)
        m->host.post(m->host.owner, code);
}

static void serial_out(void *owner, uint8_t byte)
{
    struct machine_uart_owner *u = owner;
    if (u->machine->host.serial)
        u->machine->host.serial(u->machine->host.owner, u->port, byte);
}

static void speaker(void *owner, int number, bool level)
{
    struct machine *m = owner;
    (void)number;
    if (m->host.speaker)
        m->host.speaker(m->host.owner, level);
}

/* --- ports of chips whose functions have another shape than the bus's ------------------------- */

static uint32_t pic_port_read(void *owner, uint32_t port, unsigned size)
{
    (void)size;
    return pic_read(owner, port & 1);
}

static void pic_port_write(void *owner, uint32_t port, unsigned size, uint32_t value)
{
    (void)size;
    pic_write(owner, port & 1, (uint8_t)value);
}

static uint32_t pit_port_read(void *owner, uint32_t port, unsigned size)
{
    (void)size;
    return pit_read(owner, port & 3);
}

static void pit_port_write(void *owner, uint32_t port, unsigned size, uint32_t value)
{
    (void)size;
    pit_write(owner, port & 3, (uint8_t)value);
}

static uint32_t port_61_port_read(void *owner, uint32_t port, unsigned size)
{
    (void)port, (void)size;
    return port_61_read(owner);
}

static void port_61_port_write(void *owner, uint32_t port, unsigned size, uint32_t value)
{
    (void)port, (void)size;
    port_61_write(owner, (uint8_t)value);
}

static uint32_t rtc_port_read(void *owner, uint32_t port, unsigned size)
{
    (void)size;
    return rtc_read(owner, port & 1);
}

static void rtc_port_write(void *owner, uint32_t port, unsigned size, uint32_t value)
{
    (void)size;
    rtc_write(owner, port & 1, (uint8_t)value);
}

static void map8(struct machine *m, const char *name, uint32_t first, uint32_t last,
                 bus_read_fn read, bus_write_fn write, void *owner)
{
    bus_map_ports(&m->bus, (struct bus_range){.first = first, .last = last, .width = 1,
                                              .read = read, .write = write, .owner = owner,
                                              .name = name});
}

/* --- the board, top to bottom ----------------------------------------------------------------- */

static struct ratio clock_ratio(const struct machine *m, uint64_t num, uint64_t den)
{
    return ratio_of_clocks(m->config.clock_num, m->config.clock_den, num, den);
}

static uint32_t elcr_read(void *owner, uint32_t port, unsigned size)
{
    struct machine *m = owner;
    (void)size;
    return pic_elcr_read(port & 1 ? &m->slave : &m->master);
}

static void elcr_write(void *owner, uint32_t port, unsigned size, uint32_t value)
{
    struct machine *m = owner;
    (void)size;
    pic_elcr_write(port & 1 ? &m->slave : &m->master, (uint8_t)value);
}

static void wire_interrupts(struct machine *m)
{
    pic_init(&m->slave, (struct pic_config){.master = false,
                                            .elcr_writable = 0xDE,
                                            .out_int = {pic_set_irq, &m->master, 2}});
    pic_init(&m->master, (struct pic_config){.master = true,
                                             .elcr_writable = 0xF8,
                                             .out_int = {set_intr, m, 0},
                                             .slave_acknowledge = pic_acknowledge_cascaded,
                                             .slave_owner = &m->slave});
    m->cpu->acknowledge = acknowledge;
    m->cpu->acknowledge_owner = &m->master;
    m->cpu->ferr = set_ferr;
    m->cpu->ferr_owner = m;
    map8(m, "pic master", 0x20, 0x21, pic_port_read, pic_port_write, &m->master);
    map8(m, "pic slave", 0xA0, 0xA1, pic_port_read, pic_port_write, &m->slave);
    map8(m, "elcr", 0x4D0, 0x4D1, elcr_read, elcr_write, m);
    map8(m, "fpu error", 0xF0, 0xF0, NULL, port_f0_write, m);
}

/* The interrupt mode configuration register: port 22h selects it by 70h, bit 0 at port 23h leads
 * INT and NMI through the local APIC [MPS 3.6.2.1]. */
static uint32_t imcr_read(void *owner, uint32_t port, unsigned size)
{
    struct machine *m = owner;
    (void)size;
    return port == 0x22 ? m->imcr_index : m->imcr_index == 0x70 ? !m->apic.bypassed : 0xFF;
}

static void imcr_write(void *owner, uint32_t port, unsigned size, uint32_t value)
{
    struct machine *m = owner;
    (void)size;
    if (port == 0x22)
        m->imcr_index = (uint8_t)value;
    else if (m->imcr_index == 0x70)
        apic_bypass(&m->apic, !(value & 1));
}

/* Between the 8259As and the processor. */
static void wire_apic(struct machine *m)
{
    if (!m->config.apic)
        return;
    uint64_t num = m->config.apic_hz_num, den = m->config.apic_hz_den;
    apic_init(&m->apic, (struct apic_config){.clock = &m->clock,
                                             .period = clock_ratio(m, num, den),
                                             .priority = PRIORITY_APIC,
                                             .intr = {set_intr, m, 0},
                                             .nmi = {set_nmi, m, 0},
                                             .nmi_possible = {set_nmi_possible, m, 0},
                                             .acknowledge = acknowledge_pic,
                                             .acknowledge_owner = &m->master});
    m->master.config.out_int = (struct irq_line){apic_set_lint, &m->apic, 0};
    m->cpu->acknowledge = acknowledge_apic;
    m->cpu->acknowledge_owner = &m->apic;
    m->cpu->apic_base_written = apic_base_written;
    m->cpu->counter_overflowed = counter_overflowed;
    m->cpu->apic_base_owner = m;
    m->cpu->counter_overflowed_owner = &m->apic;
    bus_map_memory(&m->bus, (struct bus_range){.first = APIC_ADDRESS,
                                               .last = APIC_ADDRESS + APIC_BYTES - 1, .width = 4,
                                               .read = apic_read, .write = apic_write,
                                               .owner = &m->apic, .name = "apic"});
    map8(m, "imcr", 0x22, 0x23, imcr_read, imcr_write, m);
}

static void wire_timers(struct machine *m)
{
    pit_init(&m->pit, (struct pit_config){.clock = &m->clock,
                                          .period = clock_ratio(m, 315000000, 264),
                                          .out = {{pic_set_irq, &m->master, 0}},
                                          .priority = PRIORITY_PIT});
    port_61_init(&m->port_61, (struct port_61_config){.gate2 = {pit_set_gate, &m->pit, 2},
                                                      .speaker = {speaker, m, 0},
                                                      .timer_out = pit_out,
                                                      .timer_out_rises = pit_out_rises,
                                                      .timer = &m->pit});
    rtc_init(&m->rtc, (struct rtc_config){.clock = &m->clock,
                                          .crystal = clock_ratio(m, 32768, 1),
                                          .irq = {pic_set_irq, &m->slave, 0},
                                          .start_seconds = m->config.rtc_start,
                                          .priority = PRIORITY_RTC});
    map8(m, "pit", 0x40, 0x43, pit_port_read, pit_port_write, &m->pit);
    map8(m, "port 61", 0x61, 0x61, port_61_port_read, port_61_port_write, &m->port_61);
    map8(m, "rtc", 0x70, 0x71, rtc_port_read, rtc_port_write, &m->rtc);
}

static void wire_serial(struct machine *m)
{
    static const struct {
        uint16_t base;
        int irq;
        const char *name;
    } ports[MACHINE_UARTS] = {{0x3F8, 4, "com1"}, {0x2F8, 3, "com2"}};
    for (int i = 0; i < MACHINE_UARTS; i++) {
        m->uart_owner[i] = (struct machine_uart_owner){m, i};
        uart_init(&m->uart[i], (struct uart_config){.clock = &m->clock,
                                                    .crystal = clock_ratio(m, 1843200, 1),
                                                    .priority = PRIORITY_UART,
                                                    .irq = {pic_set_irq, &m->master, ports[i].irq},
                                                    .irq_gated_by_out2 = true,
                                                    .far_end_waits = true,
                                                    .transmit = serial_out,
                                                    .owner = &m->uart_owner[i]});
        uart_set_modem_inputs(&m->uart[i], MSR_CTS | MSR_DSR | MSR_DCD);
        uart_reset(&m->uart[i]);
        map8(m, ports[i].name, ports[i].base, ports[i].base + 7u, uart_read, uart_write,
             &m->uart[i]);
    }
}

static void wire_keyboard(struct machine *m)
{
    kbd_init(&m->kbd, (struct kbd_config){.clock = &m->clock,
                                          .microsecond = clock_ratio(m, 1000000, 1),
                                          .priority = PRIORITY_KBD,
                                          .timing = kbd_timing_ps2(),
                                          .input_port = 0xBF,
                                          .irq1 = {pic_set_irq, &m->master, 1},
                                          .irq12 = {pic_set_irq, &m->slave, 4},
                                          .a20 = {set_a20, m, 0},
                                          .reset = {want_reset, m, 0}});
    port_92_init(&m->port_92, (struct irq_line){set_a20, m, 1},
                 (struct irq_line){want_reset, m, 1});
    map8(m, "kbd", 0x60, 0x60, kbd_read, kbd_write, &m->kbd);
    map8(m, "kbd", 0x64, 0x64, kbd_read, kbd_write, &m->kbd);
    map8(m, "port 92", 0x92, 0x92, port_92_read, port_92_write, &m->port_92);
}

static void wire_screen(struct machine *m)
{
    static const uint16_t ports[][2] = {{0x3B0, 0x3BB}, {0x3C0, 0x3CF}, {0x3D0, 0x3DF}};
    vga_init(&m->vga, (struct vga_config){.clock = &m->clock,
                                          .dot_25 = clock_ratio(m, 25175000, 1),
                                          .dot_28 = clock_ratio(m, 28322000, 1)});
    for (unsigned i = 0; i < ARRAY_COUNT(ports); i++)
        map8(m, "vga", ports[i][0], ports[i][1], vga_port_read, vga_port_write, &m->vga);
    bus_map_memory(&m->bus, (struct bus_range){.first = VGA_FIRST, .last = VGA_LAST, .width = 4,
                                               .read = vga_memory_read,
                                               .write = vga_memory_write, .owner = &m->vga,
                                               .name = "vga"});
    for (uint32_t page = VGA_FIRST / PAGE_BYTES; page <= VGA_LAST / PAGE_BYTES; page++)
        m->phys.page_flags[page] = PAGE_DEVICE;
    port_80_init(&m->port_80, post_code, m);
    map8(m, "post", 0x80, 0x80, port_80_read, port_80_write, &m->port_80);
}

/* What a BIOS leaves in CMOS RAM: memory sizes, in KB and in 64 KB above 16 MB. */
static void fill_cmos(struct machine *m)
{
    uint32_t extended = (m->config.ram_bytes >> 10) - 1024;
    uint32_t capped = extended > 0xFC00 ? 0xFC00 : extended;
    uint32_t bytes = m->config.ram_bytes, limit = 16u << 20;
    uint32_t above = bytes > limit ? (bytes - limit) >> 16 : 0;
    const struct {
        uint8_t index;
        uint32_t value;
    } words[] = {{0x15, 640}, {0x17, capped}, {0x30, capped}, {0x34, above}};
    for (unsigned i = 0; i < ARRAY_COUNT(words); i++) {
        rtc_set_ram(&m->rtc, words[i].index, words[i].value & 0xFF);
        rtc_set_ram(&m->rtc, words[i].index + 1u, words[i].value >> 8 & 0xFF);
    }
    rtc_set_ram(&m->rtc, 0x14, 0x06); /* FPU, keyboard and display present, no floppy */
}

static void make_memory(struct machine *m)
{
    m->phys.size = m->config.ram_bytes;
    m->phys.ram = xalloc_table(m->phys.size, 1);
    m->phys.page_flags = xalloc(m->phys.size / PAGE_BYTES, 1);
    m->phys.bus = &m->bus;
}

struct model *machine_model_new(const struct machine_config *config, const char *name)
{
    machine_check_model(config, name);
    if (strcmp(name, "p5") == 0)
        return model_p5_new(&config->p5);
    if (strcmp(name, "k7") == 0 || strcmp(name, "k8") == 0)
        return model_k7_new(&config->k7, config->clock_num, config->clock_den);
    return model_flat_new();
}

struct machine *machine_new(const struct machine_config *config, const char *model,
                            const struct machine_host *host)
{
    struct machine *m = xalloc(1, sizeof *m);
    m->config = *config;
    if (host)
        m->host = *host;
    m->config.p5.clock_num = config->clock_num;
    m->config.p5.clock_den = config->clock_den;
    machine_check(&m->config);
    clock_init(&m->clock);
    ledger_init(&m->ledger, &m->clock);
    bus_init(&m->bus);
    make_memory(m);
    struct model *timing = machine_model_new(&m->config, model);
    mmu_init(&m->mmu, &m->config.geometry, &m->phys, timing->timed);
    m->cpu = xalloc(1, sizeof *m->cpu);
    cpu_init(m->cpu, &m->mmu, &m->bus, &m->ledger, timing, m->config.identity);
    m->a20_kbd = true;
    wire_interrupts(m);
    wire_apic(m);
    wire_timers(m);
    wire_serial(m);
    wire_keyboard(m);
    wire_screen(m);
    fill_cmos(m);
    m->story = story_new(m->cpu);
    return m;
}

void machine_free(struct machine *m)
{
    story_free(m->story);
    cpu_free(m->cpu);
    free(m->cpu);
    mmu_free(&m->mmu);
    ledger_free(&m->ledger);
    clock_free(&m->clock);
    free(m->phys.ram);
    free(m->phys.page_flags);
    free(m);
}

void machine_add_debug_exit(struct machine *m, uint16_t iobase, uint16_t iosize)
{
    for (unsigned i = 0; i < m->bus.port_count; i++)
        if (m->bus.ports[i].first < (uint32_t)iobase + iosize && m->bus.ports[i].last >= iobase)
            usage_error("-device isa-debug-exit: ports %x..%x belong to %s", iobase,
                        iobase + iosize - 1, m->bus.ports[i].name);
    m->has_debug_exit = true;
    debug_exit_init(&m->debug_exit, debug_exit_written, m);
    bus_map_ports(&m->bus, (struct bus_range){.first = iobase, .last = iobase + iosize - 1u,
                                              .width = iosize == 3 ? 2 : iosize,
                                              .read = debug_exit_read,
                                              .write = debug_exit_write, .owner = &m->debug_exit,
                                              .name = "debug exit"});
}

/* What a BIOS leaves programmed: the timer's refresh request (which port 61h shows) and tick, and
 * the serial ports at 9600 8N1. */
static void firmware_done(struct machine *m)
{
    pit_write(&m->pit, PIT_CONTROL, 0x54);
    pit_write(&m->pit, 1, 0x12);
    pit_write(&m->pit, PIT_CONTROL, 0x36);
    pit_write(&m->pit, 0, 0);
    pit_write(&m->pit, 0, 0);
    for (int i = 0; i < MACHINE_UARTS; i++) {
        uart_write(&m->uart[i], 3, 1, LCR_DLAB);
        uart_write(&m->uart[i], 0, 1, 12);
        uart_write(&m->uart[i], 1, 1, 0);
        uart_write(&m->uart[i], 3, 1, LCR_WLS);
    }
    msr_firmware_done(m->cpu, m->config.ram_bytes);
    if (m->config.apic) {
        m->cpu->msrs.apic_base |= APIC_BASE_ENABLE;
        apic_enable(&m->apic, true);
    }
    kbd_firmware_done(&m->kbd);
    vga_firmware_done(&m->vga);
}

/* --- life ------------------------------------------------------------------------------------- */

static void reset_devices(struct machine *m)
{
    m->imcr_index = 0;
    if (m->config.apic)
        apic_reset(&m->apic);
    pic_reset(&m->master);
    pic_reset(&m->slave);
    pit_reset(&m->pit);
    port_61_reset(&m->port_61);
    rtc_reset(&m->rtc);
    for (int i = 0; i < MACHINE_UARTS; i++)
        uart_reset(&m->uart[i]);
    kbd_reset(&m->kbd);
    port_92_reset(&m->port_92);
    vga_reset(&m->vga);
    port_80_reset(&m->port_80);
    firmware_done(m);
}

static void reset(struct machine *m)
{
    cpu_reset(m->cpu);
    reset_devices(m);
    ledger_select(&m->ledger, PATH_BOOT, 0);
    m->reset_wanted = false;
    memset(m->phys.ram, 0, m->phys.size);
    if (m->config.apic)
        mp_table_write(m->cpu);
    if (m->boot.kernel)
        load_kernel(m->cpu, &m->boot);
}

void machine_boot(struct machine *m, const struct boot *boot)
{
    m->boot = *boot;
    reset(m);
}

void machine_stop(struct machine *m)
{
    if (m->end == END_NONE)
        m->end = END_STOPPED;
    cpu_request_stop(m->cpu);
}

/* The processor stopped; decides whether the run goes on. */
static bool goes_on(struct machine *m)
{
    enum cpu_stop stop = m->cpu->stop;
    m->cpu->stop = STOP_NONE;
    if (stop == STOP_HALTED) {
        m->end = END_HALTED;
        return false;
    }
    if (stop == STOP_SHUTDOWN) {
        m->end = END_SHUTDOWN;
        return false;
    }
    if (m->reset_wanted && m->end == END_NONE) {
        if (m->no_reboot) {
            m->end = END_RESET;
            return false;
        }
        m->resets++;
        reset(m);
        if (m->after_reset)
            m->after_reset(m->after_reset_owner);
        return true;
    }
    if (m->end == END_NONE)
        m->end = END_STOPPED; /* the processor met an address or a byte that somebody watches */
    return false;
}

void machine_run(struct machine *m)
{
    m->end = END_NONE;
    do
        cpu_run(m->cpu);
    while (goes_on(m));
    ledger_verify(&m->ledger);
}

bool machine_step(struct machine *m)
{
    m->end = END_NONE;
    cpu_step(m->cpu);
    bool plain = !m->cpu->stop || goes_on(m);
    if (plain)
        m->end = END_STOPPED;
    return plain;
}

void machine_set_model(struct machine *m, const char *model)
{
    cpu_set_model(m->cpu, machine_model_new(&m->config, model));
}

void machine_set_processor(struct machine *m, const struct machine_config *config,
                           const char *model)
{
    m->config.geometry = config->geometry;
    m->config.p5 = config->p5;
    m->config.k7 = config->k7;
    mmu_set_geometry(&m->mmu, &m->config.geometry);
    machine_set_model(m, model);
}

/* --- state ------------------------------------------------------------------------------------ */

static void snapshot_parts(struct machine *m, struct snap *s)
{
    clock_snapshot(&m->clock, s);
    cpu_snapshot(m->cpu, s);
    if (m->config.apic) {
        apic_snapshot(&m->apic, s);
        snap_u8(s, "imcr_index", &m->imcr_index);
    }
    snap_enter(s, "master");
    pic_snapshot(&m->master, s);
    snap_leave(s);
    snap_enter(s, "slave");
    pic_snapshot(&m->slave, s);
    snap_leave(s);
    snap_enter(s, "pit");
    pit_snapshot(&m->pit, s);
    port_61_snapshot(&m->port_61, s);
    snap_leave(s);
    snap_enter(s, "rtc");
    rtc_snapshot(&m->rtc, s);
    snap_leave(s);
    for (int i = 0; i < MACHINE_UARTS; i++) {
        snap_enter(s, i ? "com2" : "com1");
        uart_snapshot(&m->uart[i], s);
        snap_leave(s);
    }
    kbd_snapshot(&m->kbd, s);
    port_92_snapshot(&m->port_92, s);
    vga_snapshot(&m->vga, s);
    port_80_snapshot(&m->port_80, s);
    snap_bool(s, "a20_kbd", &m->a20_kbd);
    snap_bool(s, "a20_fast", &m->a20_fast);
}

void machine_snapshot(struct machine *m, struct snap *s)
{
    snap_enter(s, "machine");
    snapshot_parts(m, s);
    snap_bytes(s, "ram", m->phys.ram, m->phys.size);
    snap_leave(s);
}

void machine_snapshot_but_ram(struct machine *m, struct snap *s)
{
    snap_enter(s, "machine");
    snapshot_parts(m, s);
    snap_leave(s);
}

uint64_t machine_hash(struct machine *m)
{
    struct snap s;
    snap_begin_hash(&s);
    machine_snapshot(m, &s);
    return s.hash;
}
