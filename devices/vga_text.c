#include "devices/vga_text.h"

#include "sim/core/check.h"

#include <string.h>

/* Miscellaneous output  | VSP | HSP | page | 0 | clock (2) | RAM enable | 3Dx |  [VGA] */
#define MISC_COLOUR 0x01
#define MISC_RAM 0x02
#define MISC_CLOCK 0x0C
#define MISC_CLOCK_28 0x04

/* Sequencer */
enum { SEQ_CLOCKING_MODE = 1, SEQ_MAP_MASK = 2, SEQ_MEMORY_MODE = 4 };
#define CLOCKING_8_DOTS 0x01
#define CLOCKING_HALF 0x08
#define MEMORY_SEQUENTIAL 0x04 /* writes: not odd/even */
#define MEMORY_CHAIN_4 0x08

/* CRT controller */
enum {
    CRTC_HORIZONTAL_TOTAL = 0x00,
    CRTC_HORIZONTAL_DISPLAY_END = 0x01,
    CRTC_VERTICAL_TOTAL = 0x06,
    CRTC_OVERFLOW = 0x07,
    CRTC_VERTICAL_RETRACE_START = 0x10,
    CRTC_VERTICAL_RETRACE_END = 0x11,
    CRTC_VERTICAL_DISPLAY_END = 0x12,
    CRTC_MODE = 0x17,
};
#define OVERFLOW_LINE_COMPARE 0x10
#define RETRACE_END_PROTECT 0x80
#define MODE_HALF_LINES 0x04
#define MODE_RETRACES 0x80

/* Graphics controller */
enum {
    GC_SET_RESET = 0,
    GC_ENABLE_SET_RESET = 1,
    GC_COLOUR_COMPARE = 2,
    GC_ROTATE = 3,
    GC_READ_MAP = 4,
    GC_MODE = 5,
    GC_MISC = 6,
    GC_COLOUR_DONT_CARE = 7,
    GC_BIT_MASK = 8,
};
#define GC_MODE_WRITE 0x03
#define GC_MODE_READ_COMPARE 0x08
#define GC_MODE_ODD_EVEN 0x10

/* Attribute controller: its palette can be written only while it does not drive the display. */
#define ATC_PALETTE_COUNT 16
#define ATC_INDEX 0x1F
#define ATC_INDEX_AND_SOURCE 0x3F
#define ATC_SOURCE_DISPLAY 0x20

#define SWITCH_SENSE 0x10 /* input status 0: a colour monitor's resistors */
#define OPEN_BUS 0xFF

/* ---- the beam ------------------------------------------------------------------------------ */

/* What sets the length of a frame, in edges of the dot clock, characters and lines. */
struct frame {
    struct ratio dot;
    unsigned edges_per_character;
    unsigned characters_per_line;
    unsigned lines;
    unsigned scans_per_line; /* 2 when the CRTC counts every other horizontal retrace */
};

/* A ten-bit vertical value: eight bits in a register, two in the overflow register. */
static unsigned vertical(const struct vga *v, unsigned index, unsigned bit_8, unsigned bit_9)
{
    unsigned overflow = v->crtc[CRTC_OVERFLOW];
    return v->crtc[index] | (overflow >> bit_8 & 1) << 8 | (overflow >> bit_9 & 1) << 9;
}

static struct frame frame_of(const struct vga *v)
{
    uint8_t clocking = v->seq[SEQ_CLOCKING_MODE];
    bool fast = (v->misc & MISC_CLOCK) == MISC_CLOCK_28;
    return (struct frame){
        .dot = fast ? v->config.dot_28 : v->config.dot_25,
        .edges_per_character =
            (clocking & CLOCKING_8_DOTS ? 8 : 9) * (clocking & CLOCKING_HALF ? 2 : 1),
        .characters_per_line = v->crtc[CRTC_HORIZONTAL_TOTAL] + 5u,
        .lines = vertical(v, CRTC_VERTICAL_TOTAL, 0, 5) + 2,
        .scans_per_line = v->crtc[CRTC_MODE] & MODE_HALF_LINES ? 2 : 1,
    };
}

static bool same_frame(const struct frame *a, const struct frame *b)
{
    return a->dot.num == b->dot.num && a->dot.den == b->dot.den &&
           a->edges_per_character == b->edges_per_character &&
           a->characters_per_line == b->characters_per_line && a->lines == b->lines &&
           a->scans_per_line == b->scans_per_line;
}

static uint64_t dot_edges(const struct vga *v, const struct frame *f)
{
    return ratio_count(f->dot, v->config.clock->now);
}

static void restart_frame_unless(struct vga *v, const struct frame *before)
{
    struct frame after = frame_of(v);
    if (!same_frame(before, &after))
        v->frame_start = dot_edges(v, &after);
}

/* The retrace ends with the line whose low four bits are the end register's. */
static bool in_vertical_retrace(const struct vga *v, const struct frame *f, unsigned line)
{
    unsigned start = vertical(v, CRTC_VERTICAL_RETRACE_START, 2, 7);
    unsigned length = (v->crtc[CRTC_VERTICAL_RETRACE_END] - start) & 0x0F;
    if (!(v->crtc[CRTC_MODE] & MODE_RETRACES) || start >= f->lines)
        return false;
    return (line + f->lines - start) % f->lines < (length ? length : 16);
}

static uint8_t input_status_1(const struct vga *v)
{
    struct frame f = frame_of(v);
    uint64_t character = (dot_edges(v, &f) - v->frame_start) / f.edges_per_character;
    unsigned column = (unsigned)(character % f.characters_per_line);
    unsigned line = (unsigned)(character / f.characters_per_line / f.scans_per_line % f.lines);
    bool outside = column > v->crtc[CRTC_HORIZONTAL_DISPLAY_END] ||
                   line > vertical(v, CRTC_VERTICAL_DISPLAY_END, 1, 6);
    return (uint8_t)((outside ? VGA_STATUS_DD : 0) |
                     (in_vertical_retrace(v, &f, line) ? VGA_STATUS_VR : 0));
}

/* ---- memory -------------------------------------------------------------------------------- */

/* Graphics controller register 6 chooses the window: 128 KB at A0000, 64 KB there, 32 KB at B0000
 * as a monochrome adapter, or at B8000 as a colour one. False outside it. */
static bool decode(const struct vga *v, uint32_t address, uint32_t *offset)
{
    static const struct {
        uint32_t first, last;
    } windows[4] = {
        {0xA0000, 0xBFFFF}, {0xA0000, 0xAFFFF}, {0xB0000, 0xB7FFF}, {0xB8000, 0xBFFFF}};
    unsigned window = v->gc[GC_MISC] >> 2 & 3;
    if (!(v->misc & MISC_RAM) || address < windows[window].first || address > windows[window].last)
        return false;
    *offset = (address - windows[window].first) & (VGA_PLANE_SIZE - 1);
    return true;
}

static bool chain_4(const struct vga *v) { return v->seq[SEQ_MEMORY_MODE] & MEMORY_CHAIN_4; }

static uint8_t read_byte(struct vga *v, uint32_t address)
{
    uint32_t at;
    if (!decode(v, address, &at))
        return OPEN_BUS;
    unsigned plane = v->gc[GC_READ_MAP] & 3;
    if (chain_4(v)) {
        plane = at & 3;
        at &= ~3u;
    } else if (v->gc[GC_MODE] & GC_MODE_ODD_EVEN) {
        plane = (plane & 2) | (at & 1);
        at &= ~1u;
    }
    for (unsigned p = 0; p < 4; p++)
        v->latch[p] = v->memory[p][at];
    if (!(v->gc[GC_MODE] & GC_MODE_READ_COMPARE))
        return v->latch[plane];
    uint8_t differs = 0;
    for (unsigned p = 0; p < 4; p++)
        if (v->gc[GC_COLOUR_DONT_CARE] >> p & 1)
            differs |= v->latch[p] ^ (v->gc[GC_COLOUR_COMPARE] >> p & 1 ? 0xFF : 0x00);
    return (uint8_t)~differs;
}

static uint8_t rotated(const struct vga *v, uint8_t value)
{
    unsigned by = v->gc[GC_ROTATE] & 7;
    return (uint8_t)(value >> by | value << (8 - by));
}

/* The byte the four write modes offer to one plane, before function and bit mask. */
static uint8_t write_source(const struct vga *v, unsigned plane, uint8_t value)
{
    bool set = v->gc[GC_SET_RESET] >> plane & 1;
    switch (v->gc[GC_MODE] & GC_MODE_WRITE) {
    case 0:
        if (v->gc[GC_ENABLE_SET_RESET] >> plane & 1)
            return set ? 0xFF : 0x00;
        return rotated(v, value);
    case 2:
        return value >> plane & 1 ? 0xFF : 0x00;
    default:
        return set ? 0xFF : 0x00;
    }
}

static uint8_t combine(const struct vga *v, uint8_t source, uint8_t latch)
{
    switch (v->gc[GC_ROTATE] >> 3 & 3) {
    case 1:
        return source & latch;
    case 2:
        return source | latch;
    case 3:
        return source ^ latch;
    default:
        return source;
    }
}

static uint8_t write_value(const struct vga *v, unsigned plane, uint8_t value)
{
    unsigned mode = v->gc[GC_MODE] & GC_MODE_WRITE;
    uint8_t latch = v->latch[plane], mask = v->gc[GC_BIT_MASK];
    if (mode == 1)
        return latch;
    uint8_t source = write_source(v, plane, value);
    if (mode == 3)
        mask &= rotated(v, value);
    else
        source = combine(v, source, latch);
    return (uint8_t)((source & mask) | (latch & ~mask));
}

static void write_byte(struct vga *v, uint32_t address, uint8_t value)
{
    uint32_t at;
    if (!decode(v, address, &at))
        return;
    unsigned planes = v->seq[SEQ_MAP_MASK];
    if (chain_4(v)) {
        planes &= 1u << (at & 3);
        at &= ~3u;
    } else if (!(v->seq[SEQ_MEMORY_MODE] & MEMORY_SEQUENTIAL)) {
        planes &= at & 1 ? 0xA : 0x5;
        at &= ~1u;
    }
    for (unsigned p = 0; p < 4; p++)
        if (planes >> p & 1)
            v->memory[p][at] = write_value(v, p, value);
}

uint32_t vga_memory_read(void *owner, uint32_t address, unsigned size)
{
    uint32_t value = 0;
    for (unsigned i = 0; i < size; i++)
        value |= (uint32_t)read_byte(owner, address + i) << (8 * i);
    return value;
}

void vga_memory_write(void *owner, uint32_t address, unsigned size, uint32_t value)
{
    for (unsigned i = 0; i < size; i++)
        write_byte(owner, address + i, (uint8_t)(value >> (8 * i)));
}

/* ---- registers ----------------------------------------------------------------------------- */

static void write_sequencer(struct vga *v, uint8_t value)
{
    static const uint8_t bits[VGA_SEQ_COUNT] = {0x03, 0x3D, 0x0F, 0x3F, 0x0E};
    if (v->seq_index < VGA_SEQ_COUNT)
        v->seq[v->seq_index] = value & bits[v->seq_index];
}

static void write_graphics(struct vga *v, uint8_t value)
{
    static const uint8_t bits[VGA_GC_COUNT] = {0x0F, 0x0F, 0x0F, 0x1F, 0x03,
                                               0x7B, 0x0F, 0x0F, 0xFF};
    if (v->gc_index < VGA_GC_COUNT)
        v->gc[v->gc_index] = value & bits[v->gc_index];
}

/* Protection covers registers 0 to 7, but for bit 8 of the line compare. */
static void write_crtc(struct vga *v, uint8_t value)
{
    unsigned index = v->crtc_index;
    if (index >= VGA_CRTC_COUNT)
        return;
    if (index <= CRTC_OVERFLOW && (v->crtc[CRTC_VERTICAL_RETRACE_END] & RETRACE_END_PROTECT)) {
        if (index != CRTC_OVERFLOW)
            return;
        value = (uint8_t)((v->crtc[CRTC_OVERFLOW] & ~OVERFLOW_LINE_COMPARE) |
                          (value & OVERFLOW_LINE_COMPARE));
    }
    v->crtc[index] = value;
}

static void write_attribute(struct vga *v, uint8_t value)
{
    static const uint8_t bits[VGA_ATC_COUNT - ATC_PALETTE_COUNT] = {0xEF, 0xFF, 0x3F, 0x0F, 0x0F};
    unsigned index = v->atc_index & ATC_INDEX;
    bool data = v->atc_data;
    v->atc_data = !data;
    if (!data)
        v->atc_index = value & ATC_INDEX_AND_SOURCE;
    else if (index >= ATC_PALETTE_COUNT && index < VGA_ATC_COUNT)
        v->atc[index] = value & bits[index - ATC_PALETTE_COUNT];
    else if (index < ATC_PALETTE_COUNT && !(v->atc_index & ATC_SOURCE_DISPLAY))
        v->atc[index] = value & 0x3F;
}

static void start_dac(struct vga *v, uint8_t *index, uint8_t value, uint8_t state)
{
    *index = value;
    v->dac_state = state;
    v->dac_step = 0;
}

/* A colour is taken over when its third component has come. */
static void write_dac(struct vga *v, uint8_t value)
{
    v->dac_latch[v->dac_step++] = value & 0x3F;
    if (v->dac_step < 3)
        return;
    memcpy(v->dac + 3 * v->dac_write_index++, v->dac_latch, 3);
    v->dac_step = 0;
}

static uint8_t read_dac(struct vga *v)
{
    uint8_t value = v->dac[3 * v->dac_read_index + v->dac_step++];
    if (v->dac_step == 3) {
        v->dac_step = 0;
        v->dac_read_index++;
    }
    return value;
}

/* The CRTC and the status answer at 3Dx or at 3Bx, as the miscellaneous register says; both become
 * 3Dx here. Other ports stay. 0 for the side that is silent. */
static uint32_t selected_port(const struct vga *v, uint32_t port)
{
    bool colour = (port & 0xFF0) == 0x3D0;
    if (!colour && (port & 0xFF0) != 0x3B0)
        return port;
    return colour == (bool)(v->misc & MISC_COLOUR) ? 0x3D0 | (port & 0x0F) : 0;
}

static uint8_t indexed(const uint8_t *registers, unsigned count, unsigned index)
{
    return index < count ? registers[index] : 0;
}

uint32_t vga_port_read(void *owner, uint32_t port, unsigned size)
{
    struct vga *v = owner;
    CHECK(size == 1);
    switch (selected_port(v, port)) {
    case 0x3C0:
        return v->atc_index;
    case 0x3C1:
        return indexed(v->atc, VGA_ATC_COUNT, v->atc_index & ATC_INDEX);
    case 0x3C2:
        return SWITCH_SENSE;
    case 0x3C4:
        return v->seq_index;
    case 0x3C5:
        return indexed(v->seq, VGA_SEQ_COUNT, v->seq_index);
    case 0x3C6:
        return v->dac_mask;
    case 0x3C7:
        return v->dac_state;
    case 0x3C8:
        return v->dac_write_index;
    case 0x3C9:
        return read_dac(v);
    case 0x3CA:
        return v->feature;
    case 0x3CC:
        return v->misc;
    case 0x3CE:
        return v->gc_index;
    case 0x3CF:
        return indexed(v->gc, VGA_GC_COUNT, v->gc_index);
    case 0x3D4:
        return v->crtc_index;
    case 0x3D5:
        return indexed(v->crtc, VGA_CRTC_COUNT, v->crtc_index);
    case 0x3DA:
        v->atc_data = false;
        return input_status_1(v);
    default:
        return OPEN_BUS;
    }
}

static void write_port(struct vga *v, uint32_t port, uint8_t value)
{
    switch (port) {
    case 0x3C0:
        write_attribute(v, value);
        break;
    case 0x3C2:
        v->misc = value & 0xEF;
        break;
    case 0x3C4:
        v->seq_index = value & 0x07;
        break;
    case 0x3C5:
        write_sequencer(v, value);
        break;
    case 0x3C6:
        v->dac_mask = value;
        break;
    case 0x3C7:
        start_dac(v, &v->dac_read_index, value, 3);
        break;
    case 0x3C8:
        start_dac(v, &v->dac_write_index, value, 0);
        break;
    case 0x3C9:
        write_dac(v, value);
        break;
    case 0x3CE:
        v->gc_index = value & 0x0F;
        break;
    case 0x3CF:
        write_graphics(v, value);
        break;
    case 0x3D4:
        v->crtc_index = value & 0x1F;
        break;
    case 0x3D5:
        write_crtc(v, value);
        break;
    case 0x3DA:
        v->feature = value & 0x0B;
        break;
    default:
        break;
    }
}

void vga_port_write(void *owner, uint32_t port, unsigned size, uint32_t value)
{
    struct vga *v = owner;
    CHECK(size == 1);
    struct frame before = frame_of(v);
    write_port(v, selected_port(v, port), (uint8_t)value);
    restart_frame_unless(v, &before);
}

/* ---- whole --------------------------------------------------------------------------------- */

void vga_init(struct vga *v, struct vga_config config)
{
    CHECK(config.clock && config.dot_25.num && config.dot_28.num);
    memset(v, 0, sizeof *v);
    v->config = config;
    vga_reset(v);
}

void vga_reset(struct vga *v)
{
    v->misc = 0;
    v->feature = 0;
    v->seq_index = 0;
    memset(v->seq, 0, sizeof v->seq);
    v->crtc_index = 0;
    memset(v->crtc, 0, sizeof v->crtc);
    v->gc_index = 0;
    memset(v->gc, 0, sizeof v->gc);
    v->atc_index = 0;
    v->atc_data = false;
    memset(v->atc, 0, sizeof v->atc);
    v->dac_mask = 0xFF;
    v->dac_read_index = 0;
    v->dac_write_index = 0;
    v->dac_state = 0;
    v->dac_step = 0;
    memset(v->dac_latch, 0, sizeof v->dac_latch);
    memset(v->dac, 0, sizeof v->dac);
    memset(v->latch, 0, sizeof v->latch);
    memset(v->memory, 0, sizeof v->memory);
    struct frame f = frame_of(v);
    v->frame_start = dot_edges(v, &f);
}

/* The BIOS's parameter table of mode 3 with 400 lines. [VGA] */
static void set_mode_3(struct vga *v)
{
    static const uint8_t seq[VGA_SEQ_COUNT] = {0x03, 0x00, 0x03, 0x00, 0x02};
    static const uint8_t crtc[VGA_CRTC_COUNT] = {0x5F, 0x4F, 0x50, 0x82, 0x55, 0x81, 0xBF, 0x1F,
                                                 0x00, 0x4F, 0x0D, 0x0E, 0x00, 0x00, 0x00, 0x00,
                                                 0x9C, 0x8E, 0x8F, 0x28, 0x1F, 0x96, 0xB9, 0xA3,
                                                 0xFF};
    static const uint8_t gc[VGA_GC_COUNT] = {0x00, 0x00, 0x00, 0x00, 0x00, 0x10, 0x0E, 0x00, 0xFF};
    static const uint8_t atc[VGA_ATC_COUNT] = {0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x14,
                                               0x07, 0x38, 0x39, 0x3A, 0x3B, 0x3C, 0x3D,
                                               0x3E, 0x3F, 0x0C, 0x00, 0x0F, 0x08, 0x00};
    v->misc = 0x67;
    memcpy(v->seq, seq, sizeof seq);
    memcpy(v->crtc, crtc, sizeof crtc);
    memcpy(v->gc, gc, sizeof gc);
    memcpy(v->atc, atc, sizeof atc);
    v->atc_index = ATC_SOURCE_DISPLAY;
}

/* The first 64 colours are the EGA's: rgbRGB, a third for a small letter, two for a capital. */
static void set_ega_colours(struct vga *v)
{
    for (unsigned i = 0; i < 64; i++)
        for (unsigned c = 0; c < 3; c++)
            v->dac[3 * i + c] =
                (uint8_t)((i >> (2 - c) & 1 ? 0x2A : 0) + (i >> (5 - c) & 1 ? 0x15 : 0));
}

void vga_firmware_done(struct vga *v)
{
    struct frame before = frame_of(v);
    set_mode_3(v);
    set_ega_colours(v);
    restart_frame_unless(v, &before);
    for (uint32_t cell = 0; cell < 0x8000; cell += 2) {
        v->memory[0][cell] = ' ';
        v->memory[1][cell] = 0x07;
    }
}

void vga_snapshot(struct vga *v, struct snap *s)
{
    snap_enter(s, "vga");
    snap_u8(s, "misc", &v->misc);
    snap_u8(s, "feature", &v->feature);
    snap_u8(s, "seq_index", &v->seq_index);
    snap_bytes(s, "seq", v->seq, sizeof v->seq);
    snap_u8(s, "crtc_index", &v->crtc_index);
    snap_bytes(s, "crtc", v->crtc, sizeof v->crtc);
    snap_u8(s, "gc_index", &v->gc_index);
    snap_bytes(s, "gc", v->gc, sizeof v->gc);
    snap_u8(s, "atc_index", &v->atc_index);
    snap_bool(s, "atc_data", &v->atc_data);
    snap_bytes(s, "atc", v->atc, sizeof v->atc);
    snap_u8(s, "dac_mask", &v->dac_mask);
    snap_u8(s, "dac_read_index", &v->dac_read_index);
    snap_u8(s, "dac_write_index", &v->dac_write_index);
    snap_u8(s, "dac_state", &v->dac_state);
    snap_u8(s, "dac_step", &v->dac_step);
    snap_bytes(s, "dac_latch", v->dac_latch, sizeof v->dac_latch);
    snap_bytes(s, "dac", v->dac, sizeof v->dac);
    snap_bytes(s, "latch", v->latch, sizeof v->latch);
    snap_u64(s, "frame_start", &v->frame_start);
    snap_bytes(s, "memory", v->memory, sizeof v->memory);
    snap_leave(s);
}
