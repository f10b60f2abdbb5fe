// print.c: the formats of printf that the guests use, into a buffer.
#include <l4/print.h>
#include <l4/string.h>

struct sink {
    char *buffer;
    word_t size, length; // length counts what does not fit, too
};

struct conversion {
    bool left, zero, upper, negative;
    word_t width;
    int precision; // -1: none
    int long_count;
};

static void put(struct sink *sink, char c)
{
    if (sink->length + 1 < sink->size)
        sink->buffer[sink->length] = c;
    sink->length++;
}

static void pad(struct sink *sink, char c, word_t have, word_t want)
{
    for (; have < want; have++)
        put(sink, c);
}

static void put_string(struct sink *sink, const struct conversion *conversion, const char *s)
{
    word_t length = 0;
    while (s[length] && (conversion->precision < 0 || length < (word_t)conversion->precision))
        length++;
    if (!conversion->left)
        pad(sink, ' ', length, conversion->width);
    for (word_t i = 0; i < length; i++)
        put(sink, s[i]);
    if (conversion->left)
        pad(sink, ' ', length, conversion->width);
}

static void put_number(struct sink *sink, const struct conversion *conversion, uint64_t value,
                       word_t base)
{
    const char *digits = conversion->upper ? "0123456789ABCDEF" : "0123456789abcdef";
    char text[24];
    word_t count = 0;
    do {
        text[count++] = digits[value % base];
        value /= base;
    } while (value);
    word_t length = count + (conversion->negative ? 1 : 0);
    if (!conversion->left && !conversion->zero)
        pad(sink, ' ', length, conversion->width);
    if (conversion->negative)
        put(sink, '-');
    if (!conversion->left && conversion->zero)
        pad(sink, '0', length, conversion->width);
    while (count > 0)
        put(sink, text[--count]);
    if (conversion->left)
        pad(sink, ' ', length, conversion->width);
}

// Reads flags, width, precision and length; returns the conversion's letter.
static const char *parse(const char *format, struct conversion *conversion, va_list *arguments)
{
    *conversion = (struct conversion){.precision = -1};
    for (;; format++) {
        if (*format == '-')
            conversion->left = true;
        else if (*format == '0')
            conversion->zero = true;
        else
            break;
    }
    if (*format == '*') {
        conversion->width = va_arg(*arguments, word_t);
        format++;
    }
    for (; *format >= '0' && *format <= '9'; format++)
        conversion->width = conversion->width * 10 + (word_t)(*format - '0');
    if (*format == '.') {
        conversion->precision = 0;
        for (format++; *format >= '0' && *format <= '9'; format++)
            conversion->precision = conversion->precision * 10 + (*format - '0');
    }
    for (; *format == 'l' || *format == 'z' || *format == 'h'; format++)
        conversion->long_count += *format == 'l';
    return format;
}

static void put_signed(struct sink *sink, struct conversion *conversion, va_list *arguments)
{
    int64_t value = conversion->long_count > 1 ? va_arg(*arguments, int64_t)
                                               : va_arg(*arguments, int32_t);
    conversion->negative = value < 0;
    put_number(sink, conversion, value < 0 ? -(uint64_t)value : (uint64_t)value, 10);
}

static void put_unsigned(struct sink *sink, struct conversion *conversion, word_t base,
                         va_list *arguments)
{
    uint64_t value = conversion->long_count > 1 ? va_arg(*arguments, uint64_t)
                                                : va_arg(*arguments, uint32_t);
    put_number(sink, conversion, value, base);
}

static void convert(struct sink *sink, char letter, struct conversion *conversion,
                    va_list *arguments)
{
    switch (letter) {
    case 'd':
    case 'i':
        put_signed(sink, conversion, arguments);
        break;
    case 'u':
        put_unsigned(sink, conversion, 10, arguments);
        break;
    case 'X':
        conversion->upper = true;
        put_unsigned(sink, conversion, 16, arguments);
        break;
    case 'x':
        put_unsigned(sink, conversion, 16, arguments);
        break;
    case 'p':
        put_string(sink, &(struct conversion){.precision = -1}, "0x");
        put_number(sink, &(struct conversion){.zero = true, .width = 8},
                   va_arg(*arguments, word_t), 16);
        break;
    case 'c':
        put(sink, (char)va_arg(*arguments, int));
        break;
    case 's': {
        const char *s = va_arg(*arguments, const char *);
        put_string(sink, conversion, s ? s : "(null)");
        break;
    }
    default:
        put(sink, '%');
        put(sink, letter);
    }
}

int l4_vsnprintf(char *buffer, word_t size, const char *format, va_list arguments)
{
    struct sink sink = {buffer, size, 0};
    va_list list;
    va_copy(list, arguments);
    for (; *format; format++) {
        struct conversion conversion;
        if (*format != '%') {
            put(&sink, *format);
            continue;
        }
        if (format[1] == '%') {
            put(&sink, *++format);
            continue;
        }
        format = parse(format + 1, &conversion, &list);
        if (*format == 0)
            break;
        convert(&sink, *format, &conversion, &list);
    }
    va_end(list);
    if (size > 0)
        buffer[sink.length < size ? sink.length : size - 1] = 0;
    return (int)sink.length;
}

int l4_snprintf(char *buffer, word_t size, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = l4_vsnprintf(buffer, size, format, arguments);
    va_end(arguments);
    return length;
}

int l4_printf(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = l4_vprintf(format, arguments);
    va_end(arguments);
    return length;
}

int l4_vprintf(const char *format, va_list arguments)
{
    char text[512];
    int length = l4_vsnprintf(text, sizeof(text), format, arguments);
    word_t fits = (word_t)length < sizeof(text) ? (word_t)length : sizeof(text) - 1;
    l4_put_text(text, fits);
    return length;
}
