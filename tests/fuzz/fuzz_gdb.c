/* fuzz_gdb: packets from a debugger that means harm: random and damaged commands, checksums right
 * and wrong, binary data, in any order, on a machine that runs a little whenever it is told to, and
 * goes back where it has a history. */
#include "sim/gdb/session.h"
#include "tests/fuzz/fuzz.h"

static const char *const commands[] = {
    "?", "g", "p0", "p8", "p1f", "p10", "P0=01020304", "P8=00001000", "P9=02020000", "Pa=08000000",
    "P10=000102030405060708ff", "P1a=ffff0000", "m1000,10", "mfffffff0,40", "m0,ffffffff",
    "M1000,4:90909090", "M1000,ffffffff:00", "X1000,4:abcd", "X1000,0:", "Z0,1000,1", "Z1,1004,1",
    "Z2,2000,4", "Z3,2000,ffffffff", "Z4,fffffffe,8", "Z5,0,0", "z0,1000,1", "z2,2000,4", "c", "s",
    "C05", "S05;1000", "c1000", "vCont?", "vCont;c", "vCont;s:1;c", "vCont;", "vMustReplyEmpty",
    "bs", "bc", "bx", "b",
    "p2f", "p30", "P2f=0100000000000000",
    "qRcmd,676f746f20323030", "qRcmd,676f746f2039396747", "qRcmd,7772697465722030783230303020",
    "qRcmd,70617468", "qRcmd,7472616e736c617465203078313030303020", "qRcmd,6964742031332020",
    "qRcmd,7365676d656e7473", "qRcmd,697271", "qRcmd,7768657265", "qRcmd,68656c70",
    "qRcmd,636163686520307831303030", "qSupported:xmlRegisters=i386",
    "qXfer:features:read:target.xml:0,fff",
    "qXfer:features:read:target.xml:ffffffff,ffffffff", "qXfer:features:read:annex:0,10",
    "qRcmd,6379636c6573", "qRcmd,68617368", "qRcmd,", "qRcmd,zz", "qC", "qAttached", "qfThreadInfo",
    "qsThreadInfo", "QStartNoAckMode", "Hg0", "T1", "D", "k", "G00", "", "}", "}}", "!", "R00",
};

struct debugger {
    struct random *r;
    struct gdb_session *s;
    bool gone;
};

static void sent(void *owner, const void *data, size_t size)
{
    struct debugger *d = owner;
    (void)d;
    for (size_t i = 0; i < size; i++) /* the sanitizers look */
        if (((volatile const char *)data)[i] == 0x7F)
            fuzz_count("replies with DEL");
}

static void go_back(struct debugger *d, enum gdb_action action)
{
    struct history *h = d->s->target.history;
    if (!h)
        fuzz_fail("a session without a history goes back");
    bool began = action == GDB_STEP_BACK ? !history_step_back(h)
                                         : history_continue_back(h) == HISTORY_BEGIN;
    fuzz_count(began ? "came to the begin" : "went back");
    d->s->over = false;
    if (began)
        gdb_session_at_edge(d->s, "begin");
    else
        gdb_session_stopped(d->s, 5);
}

static void obey(struct debugger *d, enum gdb_action action)
{
    struct machine *m = d->s->machine;
    switch (action) {
    case GDB_CONTINUE:
        fuzz_run(m, 1 + random_below(d->r, 500));
        gdb_session_stopped(d->s, 5);
        break;
    case GDB_STEP:
        machine_step(m);
        gdb_session_stopped(d->s, 5);
        break;
    case GDB_STEP_BACK:
    case GDB_CONTINUE_BACK: go_back(d, action); break;
    case GDB_DETACH:
    case GDB_KILL: d->gone = true; break;
    case GDB_STAY:
    case GDB_STOP: break;
    }
    if (m->end == END_SHUTDOWN)
        d->s->over = true;
}

static void feed(struct debugger *d, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size && !d->gone; i++)
        obey(d, gdb_session_feed(d->s, bytes[i]));
}

static void send_packet(struct debugger *d)
{
    uint8_t body[256], sum = 0, tail[3];
    const char *command = commands[random_below(d->r, ARRAY_COUNT(commands))];
    size_t n = strlen(command);
    memcpy(body, command, n);
    if (random_chance(d->r, 40) && n)
        n = fuzz_mutate(d->r, body, n);
    if (random_chance(d->r, 10))
        for (; n < sizeof body; n++)
            body[n] = (uint8_t)random_next(d->r);
    for (size_t i = 0; i < n; i++)
        sum = (uint8_t)(sum + body[i]);
    if (random_chance(d->r, 3))
        sum ^= 1;
    tail[0] = '#';
    tail[1] = (uint8_t) "0123456789abcdef"[sum >> 4];
    tail[2] = (uint8_t) "0123456789abcdef"[sum & 15];
    feed(d, (const uint8_t *)"$", 1);
    feed(d, body, n);
    feed(d, tail, 3);
}

static void send_noise(struct debugger *d)
{
    uint8_t bytes[64];
    size_t n = random_below(d->r, sizeof bytes);
    for (size_t i = 0; i < n; i++)
        bytes[i] = random_chance(d->r, 30) ? (uint8_t) "$#}+-*\x03"[random_below(d->r, 7)]
                                           : (uint8_t)random_next(d->r);
    feed(d, bytes, n);
}

static void send_long(struct debugger *d)
{
    feed(d, (const uint8_t *)"$X1000,4000:", 12);
    for (unsigned n = random_below(d->r, 2 * GDB_PACKET_MAX); n; n--)
        feed(d, (const uint8_t *)"}", 1);
}

static void converse(void *owner)
{
    struct debugger *d = owner;
    for (unsigned n = 1 + random_below(d->r, 60); n && !d->gone; n--) {
        unsigned kind = random_below(d->r, 100);
        if (kind < 90)
            send_packet(d);
        else if (kind < 99)
            send_noise(d);
        else
            send_long(d);
    }
}

static void one_case(uint64_t seed)
{
    struct random r = {seed};
    struct machine *m = fuzz_machine(&r, "p133", "flat");
    struct gdb_session *s = calloc(1, sizeof *s);
    struct debugger d = {&r, s, false};
    int code;
    machine_boot(m, &(struct boot){.append = ""});
    for (uint32_t i = 0; i < 0x2000; i++)
        m->phys.ram[0x1000 + i] = (uint8_t)random_next(&r);
    load_protected_mode(m->cpu, 0x1000);
    struct history *h = random_chance(&r, 70) ? history_new(m, NULL) : NULL;
    gdb_session_init(s, &(struct gdb_target){
        .machine = m, .history = h, .read_only = random_chance(&r, 20) ? "so" : NULL});
    s->send = sent;
    s->owner = &d;
    if (!fuzz_guard(converse, &d, &code))
        fuzz_count(code == 5 ? "not modelled" : "other exits");
    fuzz_count(d.gone ? "left" : "stayed");
    gdb_session_end(s);
    if (m->cpu->stops.count || m->cpu->watches.count)
        fuzz_fail("a breakpoint or watchpoint outlives its session");
    if (h)
        history_free(h);
    machine_free(m);
    free(s);
}

int main(int argc, char **argv) { return fuzz_main(argc, argv, "fuzz_gdb", one_case); }
