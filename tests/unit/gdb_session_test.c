/* Tests of what the GDB stub answers, on a machine without a kernel: a few instructions are put at
 * 2 MB, and the debugger's side is played by hand. */
#include "cpu/run.h"
#include "sim/gdb/session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CODE 0x200000u
#define DATA 0x201000u

/* mov eax,1; mov ecx,16; mov edi,DATA; rep stosb; inc dword [DATA+100h]; mov edx,[DATA+100h];
 * inc eax; jmp $-1 */
static const uint8_t program[] = {
    0xB8, 1, 0, 0, 0, 0xB9, 16, 0, 0, 0, 0xBF, 0x00, 0x10, 0x20, 0x00, 0xF3, 0xAA,
    0xFF, 0x05, 0x00, 0x11, 0x20, 0x00, 0x8B, 0x15, 0x00, 0x11, 0x20, 0x00, 0x40, 0xEB, 0xFD};
enum { AT_REP = 15, AT_INC = 17, AT_LOAD = 23, AT_LOOP = 29 };

struct bench {
    struct machine *m;
    struct gdb_session *s;
    char out[65536];
    size_t size;
    FILE *log;
    char *log_text;
    size_t log_size;
};

static void sent(void *owner, const void *data, size_t size)
{
    struct bench *b = owner;
    assert_true(b->size + size < sizeof b->out);
    memcpy(b->out + b->size, data, size);
    b->size += size;
}

static struct machine *new_machine(const char *name)
{
    struct machine_config *config = (struct machine_config *)(uintptr_t)machine_find(name);
    config->ram_bytes = 4u << 20;
    struct machine *m = machine_new(config, "flat", NULL);
    free(config);
    machine_boot(m, &(struct boot){.append = ""});
    assert_true(phys_write(&m->phys, CODE, program, sizeof program));
    load_protected_mode(m->cpu, CODE);
    return m;
}

static int set_up_on(const char *machine, void **state)
{
    struct bench *b = calloc(1, sizeof *b);
    b->m = new_machine(machine);
    b->s = calloc(1, sizeof *b->s);
    gdb_session_init(b->s, &(struct gdb_target){.machine = b->m});
    b->log = open_memstream(&b->log_text, &b->log_size);
    b->s->log = b->log;
    b->s->send = sent;
    b->s->owner = b;
    *state = b;
    return 0;
}

static int set_up(void **state) { return set_up_on("p133", state); }
static int set_up_with_sse(void **state) { return set_up_on("a64-2200", state); }

static int tear_down(void **state)
{
    struct bench *b = *state;
    gdb_session_end(b->s);
    machine_free(b->m);
    fclose(b->log);
    free(b->log_text);
    free(b->s);
    free(b);
    return 0;
}

static enum gdb_action send_packet(struct bench *b, const char *text)
{
    uint8_t sum = 0;
    char packet[4096];
    enum gdb_action action = GDB_STAY;
    for (const char *p = text; *p; p++)
        sum = (uint8_t)(sum + (uint8_t)*p);
    int n = snprintf(packet, sizeof packet, "$%s#%02x", text, sum);
    b->size = 0;
    for (int i = 0; i < n; i++)
        action = gdb_session_feed(b->s, (uint8_t)packet[i]);
    return action;
}

/* The data of the reply last sent, without `+`, `$` and checksum. */
static const char *reply(struct bench *b)
{
    b->out[b->size] = 0;
    char *start = strrchr(b->out, '$'), *end = strrchr(b->out, '#');
    assert_true(start && end && end > start);
    *end = 0;
    return start + 1;
}

static const char *ask(struct bench *b, const char *text)
{
    assert_int_equal(send_packet(b, text), GDB_STAY);
    return reply(b);
}

/* Continues until the machine stops, as gdb_run does. */
static const char *go(struct bench *b)
{
    assert_int_equal(send_packet(b, "vCont;c"), GDB_CONTINUE);
    machine_run(b->m);
    gdb_session_stopped(b->s, 5);
    return reply(b);
}

static void registers_are_in_gdbs_order(void **state)
{
    struct bench *b = *state;
    b->m->cpu->r[ECX] = 0x11223344;
    assert_memory_equal(ask(b, "g") + 8, "44332211", 8);
    assert_string_equal(ask(b, "p8"), "00002000");
    assert_string_equal(ask(b, "pa"), "10000000");
    assert_string_equal(ask(b, "p20"), "11000000"); /* CR0: PE, ET */
    assert_string_equal(ask(b, "p24"), "00000000"); /* the base of CS */
    assert_string_equal(ask(b, "p2e"), "00000000"); /* CPL */
    assert_string_equal(ask(b, "p2f"), "0000000000000000"); /* the cycle */
    assert_string_equal(ask(b, "P2f=0100000000000000"), "E01");
    assert_string_equal(ask(b, "p31"), "E01");
    assert_int_equal(strlen(ask(b, "g")), 2 * (39 * 4 + 8 * 10 + 2 * 8));
}

static void xmm_registers_follow_where_the_machine_has_them(void **state)
{
    struct bench *b = *state;
    b->m->cpu->xmm[1].q[0] = 0x1122334455667788;
    b->m->cpu->xmm[1].q[1] = 1;
    assert_string_equal(ask(b, "p32"), "88776655443322110100000000000000");
    assert_string_equal(ask(b, "p39"), "801f0000");
    assert_string_equal(ask(b, "p3a"), "E01");
    assert_string_equal(ask(b, "P31=ffffffffffffffffffffffffffffff7f"), "OK");
    assert_int_equal(b->m->cpu->xmm[0].q[1], INT64_MAX);
    assert_string_equal(ask(b, "P39=00000100"), "E01"); /* reserved */
    assert_string_equal(ask(b, "P39=a01f0000"), "OK");
    assert_int_equal(b->m->cpu->mxcsr, 0x1FA0);
    assert_int_equal(strlen(ask(b, "g")), 2 * (40 * 4 + 8 * 10 + 2 * 8 + 8 * 16));
    assert_non_null(strstr(ask(b, "qXfer:features:read:target.xml:0,3fff"), "i386.sse"));
}

static void a_register_write_is_an_input_and_logged(void **state)
{
    struct bench *b = *state;
    assert_string_equal(ask(b, "P0=78563412"), "OK");
    assert_int_equal(b->m->cpu->r[EAX], 0x12345678);
    assert_string_equal(ask(b, "P0=78563412"), "OK"); /* changes nothing: not logged */
    fflush(b->log);
    assert_string_equal(b->log_text,
                        "isochron: input at cycle 0: gdb writes eax, low bits 12345678\n");
    assert_string_equal(ask(b, "Pa=1b000000"), "E01"); /* CS, in protected mode */
    assert_string_equal(ask(b, "P20=00000000"), "E01");
    assert_string_equal(ask(b, "P10=00000000000000c0ff3f"), "OK"); /* ST0 = 1.5 */
    assert_int_equal(b->m->cpu->x87.r[b->m->cpu->x87.top].sign_exponent, 0x3FFF);
}

static void all_registers_can_be_written_back_unchanged(void **state)
{
    struct bench *b = *state;
    char packet[1024];
    uint64_t before = machine_hash(b->m);
    snprintf(packet, sizeof packet, "G%s", ask(b, "g"));
    assert_string_equal(ask(b, packet), "OK");
    assert_true(machine_hash(b->m) == before);
    assert_string_equal(ask(b, "G1234"), "E01");
}

static void memory_is_read_and_written(void **state)
{
    struct bench *b = *state;
    assert_string_equal(ask(b, "m200000,4"), "b8010000");
    assert_string_equal(ask(b, "M201000,2:abcd"), "OK");
    assert_string_equal(ask(b, "m201000,3"), "abcd00");
    assert_string_equal(ask(b, "X201000,1:z"), "OK");
    assert_string_equal(ask(b, "m201000,1"), "7a");
    assert_string_equal(ask(b, "mf0000000,4"), "E0e");
    assert_string_equal(ask(b, "m3ffffe,8"), "0000"); /* memory ends after two bytes */
    assert_string_equal(ask(b, "M3ffffe,4:00112233"), "E0e");
    assert_string_equal(ask(b, "m1,"), "E01");
    assert_string_equal(ask(b, "M0,ffffffff:00"), "E01");
}

static void a_breakpoint_stops_at_each_arrival(void **state)
{
    struct bench *b = *state;
    assert_string_equal(ask(b, "Z0,20001d,1"), "OK");
    assert_string_equal(go(b), "T05hwbreak:;thread:01;");
    assert_int_equal(b->m->cpu->eip, CODE + AT_LOOP);
    assert_int_equal(b->m->cpu->r[EAX], 1);
    assert_string_equal(go(b), "T05hwbreak:;thread:01;");
    assert_int_equal(b->m->cpu->r[EAX], 2);
    assert_string_equal(ask(b, "z0,20001d,1"), "OK");
    assert_int_equal(b->m->cpu->stops.count, 0);
}

static void a_breakpoint_on_rep_stops_once(void **state)
{
    struct bench *b = *state;
    assert_string_equal(ask(b, "Z1,20000f,1"), "OK");
    assert_string_equal(ask(b, "Z1,200011,1"), "OK");
    go(b);
    assert_int_equal(b->m->cpu->eip, CODE + AT_REP);
    go(b);
    assert_int_equal(b->m->cpu->eip, CODE + AT_INC);
    assert_int_equal(b->m->cpu->r[ECX], 0);
}

static void watchpoints_stop_after_the_access(void **state)
{
    struct bench *b = *state;
    assert_string_equal(ask(b, "Z3,201102,1"), "OK");
    assert_string_equal(ask(b, "Z2,201005,2"), "OK");
    assert_string_equal(go(b), "T05watch:201005;thread:01;");
    assert_int_equal(b->m->cpu->r[ECX], 10); /* six bytes are stored */
    assert_string_equal(go(b), "T05watch:201006;thread:01;");
    assert_string_equal(go(b), "T05rwatch:201102;thread:01;");
    assert_int_equal(b->m->cpu->eip, CODE + AT_LOOP); /* INC's access is a write */
    assert_string_equal(ask(b, "z3,201102,1"), "OK");
    assert_string_equal(ask(b, "z2,201005,2"), "OK");
    assert_int_equal(b->m->cpu->watches.count, 0);
}

static void run_to_loop(struct machine *m)
{
    cpu_stop_at(m->cpu, CODE + AT_LOOP);
    machine_run(m);
    assert_int_equal(m->cpu->eip, CODE + AT_LOOP);
}

static void a_session_leaves_no_trace(void **state)
{
    struct bench *b = *state;
    struct machine *alone = new_machine("p133");
    ask(b, "Z0,200011,1");
    ask(b, "Z4,201008,4");
    for (unsigned i = 0; i < 4; i++)
        go(b);
    ask(b, "g");
    ask(b, "m200000,100");
    assert_int_equal(send_packet(b, "s"), GDB_STEP);
    assert_true(machine_step(b->m));
    gdb_session_stopped(b->s, 5);
    assert_int_equal(send_packet(b, "D"), GDB_DETACH);
    gdb_session_end(b->s);
    assert_int_equal(b->m->cpu->stops.count + b->m->cpu->watches.count, 0);
    run_to_loop(b->m);
    run_to_loop(alone);
    assert_int_equal(b->m->clock.now, alone->clock.now);
    assert_true(machine_hash(b->m) == machine_hash(alone));
    machine_free(alone);
}

static void queries_are_answered(void **state)
{
    struct bench *b = *state;
    assert_non_null(strstr(ask(b, "qSupported:multiprocess+"), "qXfer:features:read+"));
    assert_memory_equal(ask(b, "qXfer:features:read:target.xml:0,10"), "m<?xml version=", 15);
    assert_string_equal(ask(b, "qXfer:features:read:target.xml:ffff,10"), "E00");
    assert_string_equal(ask(b, "vCont?"), "vCont;c;C;s;S");
    assert_string_equal(ask(b, "?"), "T05thread:01;");
    assert_string_equal(ask(b, "qNoSuchThing"), "");
    assert_string_equal(ask(b, "Z9,0,1"), "");
    /* monitor cycles */
    assert_memory_equal(ask(b, "qRcmd,6379636c6573"), "6379636c6520302c", 16);
}

static void nothing_is_answered_while_it_runs(void **state)
{
    struct bench *b = *state;
    assert_int_equal(send_packet(b, "c"), GDB_CONTINUE);
    assert_int_equal(gdb_session_feed(b->s, 3), GDB_STOP);
    gdb_session_stopped(b->s, 2);
    assert_string_equal(reply(b), "T02thread:01;");
    assert_int_equal(gdb_session_feed(b->s, 3), GDB_STAY);
    assert_int_equal(send_packet(b, "k"), GDB_KILL);
}

static void acknowledgements_can_be_switched_off(void **state)
{
    struct bench *b = *state;
    ask(b, "?");
    assert_int_equal(b->out[0], '+');
    assert_string_equal(ask(b, "QStartNoAckMode"), "OK");
    ask(b, "?");
    assert_int_equal(b->out[0], '$');
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(registers_are_in_gdbs_order),
        cmocka_unit_test_setup_teardown(xmm_registers_follow_where_the_machine_has_them,
                                        set_up_with_sse, tear_down),
        TEST(a_register_write_is_an_input_and_logged),
        TEST(all_registers_can_be_written_back_unchanged),
        TEST(memory_is_read_and_written),
        TEST(a_breakpoint_stops_at_each_arrival),
        TEST(a_breakpoint_on_rep_stops_once),
        TEST(watchpoints_stop_after_the_access),
        TEST(a_session_leaves_no_trace),
        TEST(queries_are_answered),
        TEST(nothing_is_answered_while_it_runs),
        TEST(acknowledgements_can_be_switched_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
