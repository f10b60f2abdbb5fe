/* SPDX-License-Identifier: GPL-2.0-only */
/* The state of Linux threads that the L4 kernel keeps: os-L4/tasks.c, for Linux's own files. */
#ifndef __UM_L4_STATE_H
#define __UM_L4_STATE_H

struct pt_regs;
struct task_struct;
struct user_desc;

int layer_tls_empty(const struct user_desc *info);
int layer_tls_okay(const struct user_desc *info);
int layer_set_debugreg(struct task_struct *task, int number, unsigned long value);
/* FNSAVE's 27 words; FXSAVE's image (-EIO: this processor has none). */
int layer_get_fpregs(struct task_struct *task, void *words);
int layer_set_fpregs(struct task_struct *task, const void *words);
int layer_get_fpxregs(struct task_struct *task, void *image);
int layer_set_fpxregs(struct task_struct *task, const void *image);
void layer_fresh_x87(void); /* of the running thread: as after exec */
/* Of a signal's frame: other selectors than a process has are SIGILL, as with IRET. */
void layer_check_selectors(struct pt_regs *regs);
void layer_fresh_selectors(struct pt_regs *regs);

#endif
