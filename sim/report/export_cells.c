/* export_cells: the ledger's cells as lines: folded stacks for flamegraph.pl and its kin, and
 * CSV. */
#include "sim/report/export.h"
#include "sim/report/ledger_json.h"

void export_folded(const struct export_input *in, FILE *out)
{
    ledger_cells(in->ledger, false, out);
}

void export_csv(const struct export_input *in, FILE *out)
{
    ledger_cells(in->ledger, true, out);
}
