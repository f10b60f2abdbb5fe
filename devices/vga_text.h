/* vga_text: an IBM VGA as far as programs can see it through ports and memory [VGA]: 256 KB in four
 * planes behind the A0000-BFFFF window with its write and read modes, the CRT controller,
 * sequencer, graphics and attribute controllers, the palette DAC, and the beam, whose position is
 * derived from the dot clock when a program asks for it: nothing is ticked and nothing scheduled.
 * The picture comes out as text (vga_screen.c): as many columns and rows as the CRTC is set to.
 *
 * Not modelled: graphics as a picture, the fonts in plane 2, the split screen (line compare), the
 * vertical retrace interrupt, the feature connector (its dot clock is taken to be the 25 MHz one),
 * the display enable skew. A change of a register that sets the length of a line or frame starts
 * the frame anew; on the part the counters run on. */
#pragma once

#include "sim/core/clock.h"
#include "sim/core/snap.h"
#include "sim/core/types.h"

#include <stdio.h>

#define VGA_MEMORY_FIRST 0xA0000
#define VGA_MEMORY_LAST 0xBFFFF
#define VGA_PLANE_SIZE 0x10000

#define VGA_SEQ_COUNT 5
#define VGA_CRTC_COUNT 25
#define VGA_GC_COUNT 9
#define VGA_ATC_COUNT 21

/* Input status 1, ports 3BA and 3DA  | 0 | 0 | diagnostic (2) | VR | 0 | 0 | DD |        [VGA] */
enum {
    VGA_STATUS_DD = 1 << 0, /* the beam is outside the displayed area */
    VGA_STATUS_VR = 1 << 3, /* vertical retrace */
};

struct vga_config {
    struct clock *clock;
    struct ratio dot_25; /* processor cycles in a period of the 25.175 MHz dot clock */
    struct ratio dot_28; /* and of the 28.322 MHz one */
};

struct vga {
    struct vga_config config;
    uint8_t misc;    /* miscellaneous output, 3C2 and 3CC */
    uint8_t feature; /* feature control, 3BA/3DA and 3CA */
    uint8_t seq_index, seq[VGA_SEQ_COUNT];
    uint8_t crtc_index, crtc[VGA_CRTC_COUNT];
    uint8_t gc_index, gc[VGA_GC_COUNT];
    uint8_t atc_index; /* with the palette address source, bit 5 */
    bool atc_data;     /* the flip-flop: the next write to 3C0 is data */
    uint8_t atc[VGA_ATC_COUNT];
    uint8_t dac_mask;
    uint8_t dac_read_index, dac_write_index;
    uint8_t dac_state; /* 3 while reading, 0 while writing, as port 3C7 shows it */
    uint8_t dac_step;  /* red, green, blue */
    uint8_t dac_latch[3];
    uint8_t dac[256 * 3];
    uint8_t latch[4];     /* the graphics controller's, one byte a plane */
    uint64_t frame_start; /* edge of the selected dot clock at which a frame began */
    uint8_t memory[4][VGA_PLANE_SIZE];
};

void vga_init(struct vga *v, struct vga_config config);
/* Power on: all registers clear, nothing on the screen. */
void vga_reset(struct vga *v);
/* As a VGA BIOS leaves it: mode 3, 80 x 25 in 9 x 16 cells, a blank screen. For boards that start a
 * kernel without a BIOS. */
void vga_firmware_done(struct vga *v);
void vga_snapshot(struct vga *v, struct snap *s);

/* One byte at a time; ports and addresses that nobody decodes read as ones. */
uint32_t vga_port_read(void *owner, uint32_t port, unsigned size);
void vga_port_write(void *owner, uint32_t port, unsigned size, uint32_t value);
uint32_t vga_memory_read(void *owner, uint32_t address, unsigned size);
void vga_memory_write(void *owner, uint32_t address, unsigned size, uint32_t value);

/* ---- the screen (vga_screen.c); none of these changes anything ------------------------------ */

bool vga_is_text(const struct vga *v);
unsigned vga_columns(const struct vga *v);
unsigned vga_rows(const struct vga *v);
/* The character in the low byte, its attribute in the high one. */
uint16_t vga_cell(const struct vga *v, unsigned row, unsigned column);
/* False if the cursor is switched off or not on the screen. */
bool vga_cursor(const struct vga *v, unsigned *row, unsigned *column);
/* The character a VGA draws for a code of code page 437. */
uint16_t vga_unicode(uint8_t code);

/* The text screen as UTF-8, one line a row, without the blanks at the end of a line; with colour as
 * ANSI sequences and with those blanks. False, and nothing printed, in a graphics mode. */
bool vga_print_text(const struct vga *v, FILE *file, bool colour);
/* The same into a buffer, cut off and terminated as by snprintf; returns the whole length. */
size_t vga_format_text(const struct vga *v, char *buffer, size_t size, bool colour);
