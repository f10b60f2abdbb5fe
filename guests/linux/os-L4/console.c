// SPDX-License-Identifier: GPL-2.0-only
/* console.c: Linux's console and terminal, and the layer's look at Linux's page tables.
 * Compiled with the kernel's headers. */
#include <linux/console.h>
#include <linux/init.h>
#include <linux/interrupt.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/tty.h>
#include <linux/tty_driver.h>
#include <linux/tty_flip.h>
#include <asm/io.h>
#include <asm/pgtable.h>
#include <irq_kern.h>
#include <kern_util.h>
#include <mem_user.h>
#include <os.h>

int layer_page_of(unsigned long address, unsigned long *physical, unsigned int *protection);
int layer_page_there(unsigned long address);
void layer_serial_interrupt(void);
void layer_terminal_write(const unsigned char *text, int length);
int layer_terminal_read(void);
void layer_terminal_ready(void);

/* --- page tables ------------------------------------------------------------------------------ */

int layer_page_there(unsigned long address)
{
    pte_t *pte = current->mm ? virt_to_pte(current->mm, address) : NULL;

    return pte && pte_get_bits(*pte, _PAGE_PRESENT);
}

/* A page that was not touched yet may not be read, one that is clean not be written: so that a
 * fault tells Linux of either. */
int layer_page_of(unsigned long address, unsigned long *physical, unsigned int *protection)
{
    pte_t *pte = current->mm ? virt_to_pte(current->mm, address) : NULL;

    if (!pte || !pte_present(*pte) || !pte_young(*pte))
        return 0;
    *physical = pte_val(*pte) & PAGE_MASK;
    *protection = (pte_read(*pte) ? UM_PROT_READ : 0) |
                  (pte_write(*pte) && pte_dirty(*pte) ? UM_PROT_WRITE : 0) |
                  (pte_exec(*pte) ? UM_PROT_EXEC : 0);
    return 1;
}

/* --- the console ------------------------------------------------------------------------------ */

static struct tty_driver *driver;
static struct tty_port port;

static void console_write(struct console *unused, const char *text, unsigned int length)
{
    um_early_printk(text, length);
}

static struct tty_driver *console_terminal(struct console *unused, int *index)
{
    *index = 0;
    return driver;
}

static struct console serial_console = {
    .name = "ttyS",
    .write = console_write,
    .device = console_terminal,
    .flags = CON_PRINTBUFFER | CON_ANYTIME,
    .index = 0,
};

static int __init console_begin(void)
{
    register_console(&serial_console);
    return 0;
}
console_initcall(console_begin);

/* --- the terminal ----------------------------------------------------------------------------- */

static int terminal_open(struct tty_struct *tty, struct file *file)
{
    return tty_port_open(&port, tty, file);
}

static void terminal_close(struct tty_struct *tty, struct file *file)
{
    tty_port_close(&port, tty, file);
}

static int terminal_write(struct tty_struct *tty, const unsigned char *text, int length)
{
    layer_terminal_write(text, length);
    return length;
}

static unsigned int terminal_room(struct tty_struct *tty)
{
    return 4096;
}

static const struct tty_operations terminal = {
    .open = terminal_open,
    .close = terminal_close,
    .write = terminal_write,
    .write_room = terminal_room,
};

static const struct tty_port_operations port_operations = {};

static irqreturn_t serial_handler(int irq, void *unused)
{
    int byte, any = 0;

    while ((byte = layer_terminal_read()) >= 0) {
        tty_insert_flip_char(&port, byte, TTY_NORMAL);
        any = 1;
    }
    if (any)
        tty_flip_buffer_push(&port);
    return IRQ_HANDLED;
}

static int serial_irq = -1;

void layer_serial_interrupt(void)
{
    struct uml_pt_regs regs = {};

    if (serial_irq >= 0)
        do_IRQ(serial_irq, &regs);
}

static int __init terminal_start(void)
{
    int error;

    driver = tty_alloc_driver(1, TTY_DRIVER_REAL_RAW | TTY_DRIVER_RESET_TERMIOS);
    if (IS_ERR(driver))
        return PTR_ERR(driver);
    driver->driver_name = "serial";
    driver->name = "ttyS";
    driver->major = TTY_MAJOR;
    driver->minor_start = 64;
    driver->type = TTY_DRIVER_TYPE_SERIAL;
    driver->subtype = SERIAL_TYPE_NORMAL;
    driver->init_termios = tty_std_termios;
    driver->init_termios.c_cflag = B115200 | CS8 | CREAD | HUPCL | CLOCAL;
    tty_set_operations(driver, &terminal);
    tty_port_init(&port);
    port.ops = &port_operations;
    tty_port_link_device(&port, driver, 0);
    error = tty_register_driver(driver);
    if (error)
        return error;
    serial_irq = um_request_irq(UM_IRQ_ALLOC, -1, IRQ_NONE, serial_handler, 0, "serial", &port);
    layer_terminal_ready();
    return 0;
}
device_initcall(terminal_start);
