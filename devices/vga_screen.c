/* The text screen of a VGA as somebody in front of it reads it. */
#include "devices/vga_text.h"

#include <string.h>

enum {
    CRTC_HORIZONTAL_DISPLAY_END = 0x01,
    CRTC_OVERFLOW = 0x07,
    CRTC_MAXIMUM_SCAN_LINE = 0x09,
    CRTC_CURSOR_START = 0x0A,
    CRTC_START_ADDRESS = 0x0C, /* two bytes, high first */
    CRTC_CURSOR = 0x0E,        /* the same */
    CRTC_VERTICAL_DISPLAY_END = 0x12,
    CRTC_OFFSET = 0x13,
    CRTC_UNDERLINE = 0x14,
    CRTC_MODE = 0x17,
};
#define SCAN_LINE_COUNT 0x1F
#define SCAN_LINE_DOUBLE 0x80
#define CURSOR_OFF 0x20
#define UNDERLINE_DWORD 0x40
#define MODE_BYTE 0x40
#define MODE_WRAP_AT_15 0x20 /* word mode: the address bit that comes round; 13 if clear */

#define GC_MISC 6
#define ATC_MODE 0x10
#define GRAPHICS 0x01 /* in both */
#define ATC_MODE_BLINK 0x08

bool vga_is_text(const struct vga *v)
{
    return !(v->gc[GC_MISC] & GRAPHICS) && !(v->atc[ATC_MODE] & GRAPHICS);
}

unsigned vga_columns(const struct vga *v) { return v->crtc[CRTC_HORIZONTAL_DISPLAY_END] + 1u; }

unsigned vga_rows(const struct vga *v)
{
    unsigned overflow = v->crtc[CRTC_OVERFLOW], cell = v->crtc[CRTC_MAXIMUM_SCAN_LINE];
    unsigned lines = v->crtc[CRTC_VERTICAL_DISPLAY_END] | (overflow >> 1 & 1) << 8 |
                     (overflow >> 6 & 1) << 9;
    unsigned height = ((cell & SCAN_LINE_COUNT) + 1) * (cell & SCAN_LINE_DOUBLE ? 2 : 1);
    return (lines + 1) / height;
}

static unsigned crtc_word(const struct vga *v, unsigned index)
{
    return (unsigned)v->crtc[index] << 8 | v->crtc[index + 1];
}

/* From the CRTC's count of characters to an address in the planes. In word mode, the usual one, a
 * character lies at every other byte, where odd/even addressing puts it. */
static unsigned plane_address(const struct vga *v, unsigned count)
{
    if (v->crtc[CRTC_UNDERLINE] & UNDERLINE_DWORD)
        return (count << 2 | (count >> 14 & 3)) & (VGA_PLANE_SIZE - 1);
    if (v->crtc[CRTC_MODE] & MODE_BYTE)
        return count & (VGA_PLANE_SIZE - 1);
    unsigned around = v->crtc[CRTC_MODE] & MODE_WRAP_AT_15 ? 15 : 13;
    return (count << 1 | (count >> around & 1)) & (VGA_PLANE_SIZE - 1);
}

/* The offset register counts pairs of characters. */
static unsigned pitch(const struct vga *v) { return v->crtc[CRTC_OFFSET] * 2u; }

uint16_t vga_cell(const struct vga *v, unsigned row, unsigned column)
{
    unsigned count = crtc_word(v, CRTC_START_ADDRESS) + row * pitch(v) + column;
    unsigned at = plane_address(v, count & 0xFFFF);
    return (uint16_t)(v->memory[0][at] | v->memory[1][at] << 8);
}

bool vga_cursor(const struct vga *v, unsigned *row, unsigned *column)
{
    unsigned at = (crtc_word(v, CRTC_CURSOR) - crtc_word(v, CRTC_START_ADDRESS)) & 0xFFFF;
    if ((v->crtc[CRTC_CURSOR_START] & CURSOR_OFF) || !vga_is_text(v) || pitch(v) == 0)
        return false;
    *row = at / pitch(v);
    *column = at % pitch(v);
    return *row < vga_rows(v) && *column < vga_columns(v);
}

/* Code page 437 as the character generator draws it: glyphs in place of control characters. 00, 20
 * and FF are blank. */
uint16_t vga_unicode(uint8_t code)
{
    static const uint16_t low[32] = {
        0x0020, 0x263A, 0x263B, 0x2665, 0x2666, 0x2663, 0x2660, 0x2022, 0x25D8, 0x25CB, 0x25D9,
        0x2642, 0x2640, 0x266A, 0x266B, 0x263C, 0x25BA, 0x25C4, 0x2195, 0x203C, 0x00B6, 0x00A7,
        0x25AC, 0x21A8, 0x2191, 0x2193, 0x2192, 0x2190, 0x221F, 0x2194, 0x25B2, 0x25BC,
    };
    static const uint16_t high[129] = {
        0x2302, 0x00C7, 0x00FC, 0x00E9, 0x00E2, 0x00E4, 0x00E0, 0x00E5, 0x00E7, 0x00EA, 0x00EB,
        0x00E8, 0x00EF, 0x00EE, 0x00EC, 0x00C4, 0x00C5, 0x00C9, 0x00E6, 0x00C6, 0x00F4, 0x00F6,
        0x00F2, 0x00FB, 0x00F9, 0x00FF, 0x00D6, 0x00DC, 0x00A2, 0x00A3, 0x00A5, 0x20A7, 0x0192,
        0x00E1, 0x00ED, 0x00F3, 0x00FA, 0x00F1, 0x00D1, 0x00AA, 0x00BA, 0x00BF, 0x2310, 0x00AC,
        0x00BD, 0x00BC, 0x00A1, 0x00AB, 0x00BB, 0x2591, 0x2592, 0x2593, 0x2502, 0x2524, 0x2561,
        0x2562, 0x2556, 0x2555, 0x2563, 0x2551, 0x2557, 0x255D, 0x255C, 0x255B, 0x2510, 0x2514,
        0x2534, 0x252C, 0x251C, 0x2500, 0x253C, 0x255E, 0x255F, 0x255A, 0x2554, 0x2569, 0x2566,
        0x2560, 0x2550, 0x256C, 0x2567, 0x2568, 0x2564, 0x2565, 0x2559, 0x2558, 0x2552, 0x2553,
        0x256B, 0x256A, 0x2518, 0x250C, 0x2588, 0x2584, 0x258C, 0x2590, 0x2580, 0x03B1, 0x00DF,
        0x0393, 0x03C0, 0x03A3, 0x03C3, 0x00B5, 0x03C4, 0x03A6, 0x0398, 0x03A9, 0x03B4, 0x221E,
        0x03C6, 0x03B5, 0x2229, 0x2261, 0x00B1, 0x2265, 0x2264, 0x2320, 0x2321, 0x00F7, 0x2248,
        0x00B0, 0x2219, 0x00B7, 0x221A, 0x207F, 0x00B2, 0x25A0, 0x0020,
    };
    if (code < 0x20)
        return low[code];
    return code < 0x7F ? code : high[code - 0x7F];
}

/* ---- printing ------------------------------------------------------------------------------ */

struct sink {
    FILE *file;   /* or else: */
    char *buffer; /* size bytes */
    size_t size;
    size_t length; /* of everything, whether it fitted or not */
};

static void emit(struct sink *s, const char *text, size_t length)
{
    if (s->file)
        fwrite(text, 1, length, s->file);
    for (size_t i = 0; !s->file && i < length; i++)
        if (s->length + i + 1 < s->size)
            s->buffer[s->length + i] = text[i];
    s->length += length;
}

static void emit_character(struct sink *s, uint16_t code)
{
    char utf8[3] = {(char)(0xE0 | code >> 12), (char)(0x80 | (code >> 6 & 0x3F)),
                    (char)(0x80 | (code & 0x3F))};
    char ascii = (char)code;
    if (code < 0x80)
        emit(s, &ascii, 1);
    else if (code >= 0x800)
        emit(s, utf8, 3);
    else {
        utf8[1] = (char)(0xC0 | code >> 6);
        emit(s, utf8 + 1, 2);
    }
}

/* Attributes name colours blue first, ANSI red first. Bit 7 blinks or brightens the background. */
static void emit_attribute(struct sink *s, const struct vga *v, uint8_t attribute)
{
    static const uint8_t ansi[8] = {0, 4, 2, 6, 1, 5, 3, 7};
    bool blink = v->atc[ATC_MODE] & ATC_MODE_BLINK, high = attribute & 0x80;
    unsigned front = (attribute & 0x08 ? 90u : 30u) + ansi[attribute & 7];
    unsigned back = (high && !blink ? 100u : 40u) + ansi[attribute >> 4 & 7];
    char text[32];
    int length = snprintf(text, sizeof text, "\033[0%s;%u;%um", high && blink ? ";5" : "", front,
                          back);
    emit(s, text, (size_t)length);
}

static void emit_row(struct sink *s, const struct vga *v, unsigned row, bool colour)
{
    unsigned columns = vga_columns(v);
    while (!colour && columns && vga_unicode(vga_cell(v, row, columns - 1) & 0xFF) == ' ')
        columns--;
    for (unsigned column = 0; column < columns; column++) {
        uint16_t cell = vga_cell(v, row, column);
        if (colour && (column == 0 || (vga_cell(v, row, column - 1) ^ cell) >> 8))
            emit_attribute(s, v, (uint8_t)(cell >> 8));
        emit_character(s, vga_unicode((uint8_t)cell));
    }
    if (colour)
        emit(s, "\033[0m", 4);
    emit(s, "\n", 1);
}

static void emit_screen(struct sink *s, const struct vga *v, bool colour)
{
    for (unsigned row = 0; row < vga_rows(v); row++)
        emit_row(s, v, row, colour);
}

bool vga_print_text(const struct vga *v, FILE *file, bool colour)
{
    struct sink s = {.file = file};
    if (!vga_is_text(v))
        return false;
    emit_screen(&s, v, colour);
    return true;
}

size_t vga_format_text(const struct vga *v, char *buffer, size_t size, bool colour)
{
    struct sink s = {.buffer = buffer, .size = size};
    if (vga_is_text(v))
        emit_screen(&s, v, colour);
    if (size)
        buffer[s.length < size ? s.length : size - 1] = 0;
    return s.length;
}
