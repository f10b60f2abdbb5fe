"use strict";
/* heat: tables whose cells are darker the more they count: who made whom miss, and in which sets. */
(P => {
  if (!P.ledger) return;
  const { el, number, percent, sum } = P;
  const ROWS = 24, COLUMNS = 14;

  /* A share of the greatest, 0 to 1, as a colour; small ones are still seen. */
  const heat = share => `color-mix(in oklab, var(--heat-high) ${Math.round(100 * Math.sqrt(share))}%, var(--heat-low))`;
  const inkOn = share => share > 0.25 ? "#fff" : "var(--ink)";

  P.heatColour = heat;
  P.heatInk = inkOn;

  /* cells: [{row, column, value}]. The rows and columns that count least are added up as others. */
  P.heat = (where, id, cells, titles) => {
    const total = key => {
      const sums = new Map();
      for (const c of cells) sums.set(c[key], (sums.get(c[key]) || 0) + c.value);
      return [...sums].sort((a, b) => b[1] - a[1]);
    };
    const keep = (sums, most) => {
      const names = sums.map(s => s[0]);
      return names.length <= most ? names : [...names.slice(0, most - 1), "others"];
    };
    const rows = keep(total("row"), ROWS), columns = keep(total("column"), COLUMNS);
    const grid = new Map(), key = (r, c) => r + "\u0000" + c;
    for (const c of cells) {
      const k = key(rows.includes(c.row) ? c.row : "others", columns.includes(c.column) ? c.column : "others");
      grid.set(k, (grid.get(k) || 0) + c.value);
    }
    const most = Math.max(1, ...grid.values()), whole = sum(cells, c => c.value);
    const value = (r, c) => grid.get(key(r, c)) || 0;
    const plain = n => el("td", { "data-value": n }, n ? number(n) : "");
    const cell = (r, c) => {
      const n = value(r, c), share = n / most;
      return el("td", { style: n ? `background:${heat(share)};color:${inkOn(share)}` : null, "data-value": n,
        onmousemove: e => n && P.showTip(e, `${r}\n${titles.by} ${c}\n${number(n)} ${titles.unit}, ${percent(n, whole)}`),
        onmouseleave: P.hideTip }, n ? number(n) : "\u00b7");
    };
    where.append(el("div", { class: "scroll" }, el("table", { class: "heat", id },
      el("thead", {}, el("tr", {}, el("th", {}, titles.corner), ...columns.map(c => el("th", { scope: "col" }, c)), el("th", {}, "sum"))),
      el("tbody", {}, ...rows.map(r => el("tr", {}, el("th", { scope: "row", title: r }, r), ...columns.map(c => cell(r, c)),
        plain(sum(columns, c => value(r, c)))))),
      el("tfoot", {}, el("tr", {}, el("th", {}, "sum"), ...columns.map(c => plain(sum(rows, r => value(r, c)))), plain(whole))))));
  };

  /* --- sets ------------------------------------------------------------------------------- */
  const strip = (array, values) => {
    const most = Math.max(1, ...values), canvas = el("canvas", { role: "img", width: values.length, height: 1,
      "aria-label": `${array.name}: misses by set, at most ${number(most)}` });
    const paint = () => {
      const context = canvas.getContext("2d");
      const mix = (n, from, to) => from.map((v, i) => Math.round(v + (to[i] - v) * Math.sqrt(n / most)));
      const channels = name => [1, 3, 5].map(i => parseInt(P.computed(name).slice(i, i + 2), 16));
      values.forEach((n, i) => {
        context.fillStyle = `rgb(${mix(n, channels("heat-low"), channels("heat-high")).join(",")})`;
        context.fillRect(i, 0, 1, 1);
      });
    };
    canvas.addEventListener("mousemove", event => {
      const i = Math.min(values.length - 1, Math.floor(event.offsetX / canvas.clientWidth * values.length));
      const per = array.by_set.sets_per_column, first = i * per;
      P.showTip(event, `${array.name}, set${per > 1 ? `s ${first} to ${first + per - 1}` : ` ${first}`}\n${number(array.by_set.misses[i])} misses, ` +
        `${number(array.by_set.conflicts[i])} of them conflicts`);
    });
    canvas.addEventListener("mouseleave", P.hideTip);
    P.onTheme(paint);
    paint();
    return el("div", { class: "sets" }, el("div", {}, el("b", {}, array.name), ` ${array.text || ""}, ${number(array.by_set.sets)} sets, ` +
      `${number(sum(values, n => n))} misses, at most ${number(most)} a column`), canvas);
  };

  /* --- blame ------------------------------------------------------------------------------ */
  const kindColours = { compulsory: "other", conflict: "data", capacity: "fetch", flush: "tlb", coherence: "branch", unheld: "bus",
    dirty: "cross", fault: "nested" };
  const B = P.ledger.blame;
  P.views.addBlame = B && (panel => {
    const whole = B.cycles;
    const kinds = new Map();
    for (const a of B.arrays)
      for (const k of a.kinds) kinds.set(k.name, (kinds.get(k.name) || 0) + k.cycles);
    panel.append(el("h2", {}, `Misses of caches and TLBs: ${number(B.misses)}, ${number(whole)} cycles`),
      el("p", { class: "note" }, "Compulsory: never referenced before. Conflict: a fully associative array of the size would still hold it. " +
        "Capacity: nor would that. Flush: a write to CR3, INVLPG or the like took it away. Cycles belong to the outermost array missed."),
      ...P.stack([...kinds].map(([name, cycles]) => ({ name, cycles, colour: P.colour(kindColours[name]) })), whole || 1));

    const twins = new Set((P.ledger.spaces || []).filter(s => P.spaceName(s.id, s.name) !== s.name).map(s => s.name));
    const together = el("input", { type: "checkbox", id: "blame-together", checked: twins.size > 0 && P.ledger.spaces.length > COLUMNS,
      onchange: () => draw() });
    const who = (id, space, path) => `${P.spaceName(id, space)} \u203a ${path}`;
    const inMatrix = (id, space) => together.checked ? space : P.spaceName(id, space);
    const charged = r => `${inMatrix(r.space, r.space_name)} \u203a ${r.path}`;
    const caused = r => r.by === "nobody" || r.by === "itself" || r.by_space_name === undefined ? r.by
      : r.by === "code" ? `${inMatrix(r.by_space, r.by_space_name)} \u203a ${r.by_path}` : `${r.by} in ${inMatrix(r.by_space, r.by_space_name)}`;
    const where = el("div");
    const option = (value, text) => el("option", { value }, text);
    const array = el("select", { id: "blame-array", "aria-label": "array", onchange: () => draw() }, option("", "all arrays"),
      ...B.arrays.filter(a => a.misses).map(a => option(a.name, `${a.name}: ${a.text || ""}`)));
    const unit = el("select", { id: "blame-unit", "aria-label": "unit", onchange: () => draw() }, option("cycles", "cycles"), option("misses", "misses"));
    const draw = () => {
      const rows = B.matrix.filter(r => (!array.value || r.array === array.value) && r[unit.value]);
      where.replaceChildren();
      P.heat(where, "blame-matrix", rows.map(r => ({ row: charged(r), column: caused(r), value: r[unit.value] })),
        { corner: "charged to \\ caused by", by: "because of", unit: unit.value });
    };
    panel.append(el("h2", {}, "Who made whom miss"), el("div", { class: "bar" }, el("label", {}, "of ", array), el("label", {}, "in ", unit),
      twins.size ? el("label", {}, together, " spaces of one name together") : null), where);
    draw();

    panel.append(el("h2", {}, "By set"), ...B.arrays.filter(a => a.by_set && sum(a.by_set.misses, n => n)).map(a => strip(a, a.by_set.misses)));

    panel.append(el("h2", {}, "Arrays"));
    P.table(panel, "blame-arrays", B.arrays.filter(a => a.misses), [
      { title: "array", kind: "text", get: r => r.name }, { title: "of", kind: "text", wide: true, get: r => r.text || "" },
      ...[...kinds.keys()].map(k => ({ title: k, kind: "number", sum: true, get: r => sum(r.kinds.filter(x => x.name === k), x => x.misses) })),
      { title: "misses", kind: "number", get: r => r.misses, sum: true }, { title: "cycles", kind: "number", get: r => r.cycles, sum: true },
    ], 3 + kinds.size);
    if (B.flushes && B.flushes.length) {
      panel.append(el("h2", {}, "What flushes cost later"), el("p", { class: "note" },
        "Misses that came because of each instruction that emptied something, and how much of that other spaces had to take."));
      P.table(panel, "blame-flushes", B.flushes, [
        { title: "what", kind: "text", get: r => r.by }, { title: "where", kind: "text", get: r => r.symbol || (r.address >>> 0).toString(16) },
        { title: "in", kind: "text", get: r => who(r.space, r.space_name, r.path) }, { title: "times", kind: "number", get: r => r.times },
        { title: "misses later", kind: "number", get: r => r.misses, sum: true }, { title: "cycles later", kind: "number", get: r => r.cycles, sum: true },
        { title: "of others", kind: "number", get: r => r.other_cycles, sum: true },
        { title: "cycles each", kind: "number", get: r => r.times ? r.cycles / r.times : 0, show: r => r.times ? number(r.cycles / r.times, 1) : "" },
      ], 5);
    }
    panel.append(el("h2", {}, "Symbols"));
    P.table(panel, "blame-pairs", B.pairs, [
      { title: "charged to", kind: "text", get: r => r.name }, { title: "because of", kind: "text", get: r => r.by_name ? `${r.by === "code" ? "" : r.by + " in "}${r.by_name}` : r.by },
      { title: "array", kind: "text", get: r => r.array }, { title: "kind", kind: "text", get: r => r.kind },
      { title: "misses", kind: "number", get: r => r.misses, sum: true }, { title: "cycles", kind: "number", get: r => r.cycles, sum: true },
    ], 5);
  });
})(Page);
