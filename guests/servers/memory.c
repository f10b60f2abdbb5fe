// memory.c: the memory server. It stands between its clients and the root server as their pager:
// what is in one of their regions it maps from its dataspaces, everything else it gets from the
// root server, page by page, and passes on. It is linked above all physical memory, which it sees
// at its physical addresses.
#include <l4/memory.h>

#include <l4/frames.h>
#include <l4/library.h>
#include <l4/names.h>
#include <l4/print.h>
#include <l4/protocols.h>
#include <l4/server.h>
#include <l4/task.h>

#include "dataspaces.h"

static struct dataspaces dataspaces;

// A task that is started again has the same number, and owns nothing of what it had before.
static word_t life_of(l4_thread_id thread)
{
    return l4_task_of(thread) | l4_thread_version(thread) << LIFE_SHIFT;
}

// Whatever tasks have left behind that are no more.
static void collect(struct dataspaces *d)
{
    struct l4_task_info info;
    for (word_t task = 0; l4_root_task(task, &info) == L4_ROOT_OK; task++) {
        bool alive = info.state == L4_TASK_RUNNING || info.state == L4_TASK_SERVING;
        dataspaces_forget(d, task, alive ? life_of(info.first) : 0);
    }
}

// ---- Faults -------------------------------------------------------------------------------------

// The root server ends a task that has nothing there; then there is nobody to reply to.
static enum l4_disposition ask_root(l4_thread_id from, word_t address, word_t access, word_t ip)
{
    l4_msg_begin(L4_ROOT_PAGE);
    l4_msg_word(from);
    l4_msg_word(address);
    l4_msg_word(access);
    l4_msg_word(ip);
    l4_accept(L4_COMPLETE_SPACE, false);
    l4_tag tag = l4_call(l4_start_area()->root);
    l4_accept_nothing();
    if (l4_tag_failed(tag) || l4_tag_typed(tag) != 2)
        return L4_NO_REPLY;
    l4_put_page_fault_reply(l4_map_item(l4_mr(2), address & ~(L4_PAGE_SIZE - 1)));
    return L4_REPLY;
}

static enum l4_disposition on_page_fault(void *context, l4_thread_id from, l4_tag tag)
{
    struct dataspaces *d = context;
    word_t address = l4_page_fault_address(), ip = l4_page_fault_ip();
    word_t access = l4_page_fault_access(tag);
    const struct region *region = region_at(d, life_of(from), address);
    bool allowed = region && !(access & ~region->rights);
    word_t frame = allowed ? region_frame(d, region, address) : 0;
    if (allowed && !frame) {
        collect(d);
        frame = region_frame(d, region, address);
        if (!frame)
            l4_printf("memory: none is left for task %u\n", l4_task_of(from));
    }
    if (!frame)
        return ask_root(from, address, access, ip);
    l4_put_page_fault_reply(l4_map_item(l4_make_fpage(frame, L4_PAGE_BITS, region->rights),
                                        address & ~(L4_PAGE_SIZE - 1)));
    return L4_REPLY;
}

// ---- Requests -----------------------------------------------------------------------------------

static enum l4_disposition on_open(void *context, l4_thread_id from, l4_tag tag)
{
    word_t size = l4_mr(1), number = 0;
    (void)tag;
    enum l4_memory_error error = dataspace_open(context, life_of(from), size, &number);
    if (error == L4_MEMORY_NO_ROOM) {
        collect(context);
        error = dataspace_open(context, life_of(from), size, &number);
    }
    l4_server_result(error);
    l4_msg_word(number);
    return L4_REPLY;
}

static enum l4_disposition on_map(void *context, l4_thread_id from, l4_tag tag)
{
    word_t number = l4_mr(1);
    struct region region = {.task = life_of(from), .start = l4_mr(2), .offset = l4_mr(3),
                            .size = l4_mr(4), .rights = l4_mr(5)};
    (void)tag;
    enum l4_memory_error error = region_map(context, number, &region);
    if (error == L4_MEMORY_NO_ROOM) {
        collect(context);
        error = region_map(context, number, &region);
    }
    l4_server_result(error);
    l4_msg_word(region.start);
    return L4_REPLY;
}

static enum l4_disposition on_unmap(void *context, l4_thread_id from, l4_tag tag)
{
    (void)tag;
    return l4_server_result(region_unmap(context, life_of(from), l4_mr(1)));
}

static enum l4_disposition on_close(void *context, l4_thread_id from, l4_tag tag)
{
    (void)tag;
    return l4_server_result(dataspace_close(context, life_of(from), l4_mr(1)));
}

static enum l4_disposition on_share(void *context, l4_thread_id from, l4_tag tag)
{
    (void)tag;
    return l4_server_result(dataspace_share(context, life_of(from), l4_mr(1),
                                            life_of(l4_mr(2)), l4_mr(3)));
}

static enum l4_disposition on_state(void *context, l4_thread_id from, l4_tag tag)
{
    const struct dataspaces *d = context;
    word_t spaces = 0, regions = 0;
    (void)from, (void)tag;
    collect(context);
    for (word_t i = 0; i < DATASPACE_MAX; i++)
        spaces += d->dataspaces[i].pages != 0;
    for (word_t i = 0; i < REGION_MAX; i++)
        regions += d->regions[i].size != 0;
    l4_msg_begin(0);
    l4_msg_word(l4_frames_spare());
    l4_msg_word(d->frames_in_use);
    l4_msg_word(spaces);
    l4_msg_word(regions);
    return L4_REPLY;
}

static const struct l4_operation operations[] = {
    {L4_LABEL_PAGE_FAULT, 2, on_page_fault}, {L4_MEMORY_OPEN, 1, on_open},
    {L4_MEMORY_MAP, 5, on_map},              {L4_MEMORY_UNMAP, 1, on_unmap},
    {L4_MEMORY_CLOSE, 1, on_close},          {L4_MEMORY_SHARE, 3, on_share},
    {L4_MEMORY_STATE, 0, on_state},
};

int l4_main(const char *command_line)
{
    (void)command_line;
    if (!l4_names_register("memory"))
        l4_panic("there is a memory server already");
    l4_root_serve();
    const struct l4_server server = {
        .operations = operations,
        .operation_count = sizeof(operations) / sizeof(operations[0]),
        .context = &dataspaces,
    };
    l4_server_run(&server);
}
