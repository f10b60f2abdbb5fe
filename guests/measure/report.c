// report.c: from samples to a line.
#include "measure.h"

uint32_t samples[SAMPLE_MAX];
uint32_t overhead;

static void sort(uint32_t *list, word_t count)
{
    for (word_t gap = count / 2; gap; gap /= 2)
        for (word_t i = gap; i < count; i++) {
            uint32_t v = list[i];
            word_t j = i;
            for (; j >= gap && list[j - gap] > v; j -= gap)
                list[j] = list[j - gap];
            list[j] = v;
        }
}

struct summary summarise(uint32_t *list, word_t count)
{
    for (word_t i = 0; i < count; i++)
        list[i] = list[i] > overhead ? list[i] - overhead : 0;
    sort(list, count);
    return (struct summary){list[count / 2], list[0], list[count - 1], count};
}

void report_overhead(void)
{
    for (word_t i = 0; i < WARM_COUNT + SAMPLE_COUNT; i++) {
        uint32_t begin = now(), end = now();
        samples[i < WARM_COUNT ? 0 : i - WARM_COUNT] = end - begin;
    }
    overhead = 0;
    struct summary s = summarise(samples, SAMPLE_COUNT);
    overhead = s.min;
    l4_printf("measure: overhead cycles=%u min=%u max=%u n=%u\n", s.median, s.min, s.max, s.count);
}

// Tenths are as fine as it gets: no operation here is repeated in one sample more than ten times,
// or is so short that it would matter.
static const char *per_operation(uint32_t cycles, word_t operations, char text[16])
{
    word_t tenths = (word_t)(((uint64_t)cycles * 10 + operations / 2) / operations);
    if (tenths % 10)
        l4_snprintf(text, 16, "%u.%u", tenths / 10, tenths % 10);
    else
        l4_snprintf(text, 16, "%u", tenths / 10);
    return text;
}

void report(const char *name, const char *parameters, const struct summary *s, word_t operations)
{
    char median[16], min[16], max[16];
    l4_printf("measure: %s %scycles=%s min=%s max=%s n=%u\n", name, parameters,
              per_operation(s->median, operations, median), per_operation(s->min, operations, min),
              per_operation(s->max, operations, max), s->count);
}

void report_number(const char *name, const char *parameter, word_t value, const struct summary *s,
                   word_t operations)
{
    char parameters[32];
    l4_snprintf(parameters, sizeof(parameters), "%s=%u ", parameter, value);
    report(name, parameters, s, operations);
}
