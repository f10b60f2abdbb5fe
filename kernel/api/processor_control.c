/* processor_control.c: ProcessorControl.
 *
 * EAX processor number, ECX internal and EDX external frequency in kHz, ESI voltage; EAX result.
 * For privileged spaces only. It asks for another speed or voltage where the hardware has a way
 * to set them; the PC has none that is common to all, so that a valid request succeeds and
 * nothing changes. */
#include "api/syscalls.h"
#include "state.h"

void sys_processor_control(struct trap_frame *f)
{
    enum l4_error error = L4_OK;

    if (!current()->space->privileged)
        error = L4_NO_PRIVILEGE;
    else if (f->eax != 0)
        error = L4_INVALID_PARAMETER;
    if (error)
        current()->utcb->error_code = error;
    f->eax = error == L4_OK;
}
