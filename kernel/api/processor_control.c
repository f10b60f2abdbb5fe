/* processor_control.c: ProcessorControl.
 *
 * EAX processor number, ECX internal and EDX external frequency in kHz, ESI voltage; EAX result.
 * For privileged spaces only. It asks for another speed or voltage where the hardware has a way
 * to set them; the PC has none that is common to all, so no values but the processor's own could be
 * had, and a valid request is refused with the error for a parameter. */
#include "api/syscalls.h"
#include "state.h"

void sys_processor_control(struct trap_frame *f)
{
    current()->utcb->error_code =
        current()->space->privileged ? L4_INVALID_PARAMETER : L4_NO_PRIVILEGE;
    f->eax = 0;
}
