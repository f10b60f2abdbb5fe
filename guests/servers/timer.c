// timer.c: the timer server. It needs no device: it waits for requests until the next alarm is due,
// and the kernel's clock is the time.
#include <l4/timer.h>

#include <l4/library.h>
#include <l4/names.h>
#include <l4/server.h>
#include <l4/syscalls.h>
#include <l4/task.h>

#define ALARM_MAX 128

struct alarm {
    l4_thread_id client; // nil: free
    l4_clock when, period;
    word_t cookie;
    bool sleeper; // the message is the reply that the client waits for
};

struct timer {
    struct alarm alarms[ALARM_MAX];
};

static struct timer timer;

static l4_clock get_clock(word_t first_mr)
{
    return (l4_clock)l4_mr(first_mr + 1) << 32 | l4_mr(first_mr);
}

static void put_clock(l4_clock clock)
{
    l4_msg_word((word_t)clock);
    l4_msg_word((word_t)(clock >> 32));
}

static struct alarm *next_alarm(struct timer *t)
{
    struct alarm *next = NULL;
    for (word_t i = 0; i < ALARM_MAX; i++) {
        struct alarm *alarm = &t->alarms[i];
        if (alarm->client && (!next || alarm->when < next->when))
            next = alarm;
    }
    return next;
}

static void fire(struct alarm *alarm, l4_clock now)
{
    l4_msg_begin(alarm->sleeper ? 0 : L4_TIMER_FIRED);
    if (!alarm->sleeper)
        l4_msg_word(alarm->cookie);
    put_clock(now);
    bool gone = l4_tag_failed(l4_reply(alarm->client)) && l4_ipc_error() == L4_IPC_NO_PARTNER;
    if (alarm->period == 0 || gone) {
        alarm->client = L4_NIL_THREAD;
        return;
    }
    // Beats that are over already are left out, those to come keep their times.
    l4_clock late = now - alarm->when;
    alarm->when += (late / alarm->period + 1) * alarm->period;
}

// Requests, too, come here: a flood of them must not hold the alarms up.
static void fire_due(void *context)
{
    l4_clock now = l4_system_clock();
    struct alarm *next;
    while ((next = next_alarm(context)) && next->when <= now)
        fire(next, now);
}

static l4_time patience(void *context)
{
    const struct alarm *next = next_alarm(context);
    if (!next)
        return L4_NEVER;
    l4_clock now = l4_system_clock();
    return next->when <= now ? L4_ZERO_TIME : l4_period_at_most(next->when - now);
}

static struct alarm *new_alarm(struct timer *t, l4_thread_id client, l4_clock when)
{
    for (word_t i = 0; i < ALARM_MAX; i++) {
        struct alarm *alarm = &t->alarms[i];
        if (!alarm->client) {
            *alarm = (struct alarm){.client = client, .when = when};
            return alarm;
        }
    }
    return NULL;
}

static enum l4_disposition on_sleep(void *context, l4_thread_id from, l4_tag tag)
{
    struct timer *t = context;
    l4_clock when = l4_system_clock() + get_clock(1);
    (void)tag;
    struct alarm *alarm = new_alarm(t, from, when);
    if (!alarm)
        return l4_server_result(1);
    alarm->sleeper = true;
    fire_due(t);
    return L4_NO_REPLY;
}

static enum l4_disposition on_alarm(void *context, l4_thread_id from, l4_tag tag)
{
    struct timer *t = context;
    (void)tag;
    l4_clock when = get_clock(1), period = get_clock(4);
    word_t cookie = l4_mr(3);
    struct alarm *alarm = new_alarm(t, from, when);
    if (!alarm)
        return l4_server_result(1);
    alarm->cookie = cookie;
    alarm->period = period;
    fire_due(t);
    l4_server_result(0);
    l4_msg_word((word_t)(alarm - t->alarms) + 1);
    return L4_REPLY;
}

static enum l4_disposition on_cancel(void *context, l4_thread_id from, l4_tag tag)
{
    struct timer *t = context;
    word_t index = l4_mr(1) - 1;
    (void)tag;
    if (index >= ALARM_MAX || t->alarms[index].client != from)
        return l4_server_result(1);
    t->alarms[index].client = L4_NIL_THREAD;
    return l4_server_result(0);
}

static enum l4_disposition on_now(void *context, l4_thread_id from, l4_tag tag)
{
    (void)from, (void)tag;
    fire_due(context);
    l4_msg_begin(0);
    put_clock(l4_system_clock());
    return L4_REPLY;
}

static const struct l4_operation operations[] = {
    {L4_TIMER_SLEEP, 2, on_sleep},
    {L4_TIMER_ALARM, 5, on_alarm},
    {L4_TIMER_CANCEL, 1, on_cancel},
    {L4_TIMER_NOW, 0, on_now},
};

int l4_main(const char *command_line)
{
    (void)command_line;
    if (!l4_names_register("timer"))
        l4_panic("there is a timer already");
    l4_root_serve();
    const struct l4_server server = {
        .operations = operations,
        .operation_count = sizeof(operations) / sizeof(operations[0]),
        .context = &timer,
        .patience = patience,
        .expired = fire_due,
    };
    l4_server_run(&server);
}
