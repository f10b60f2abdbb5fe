"use strict";
/* explain: what a run would cost with one thing ideal, and the parts of its cells: for lat_ctx, the
 * surface of a context switch over processes and footprints, and what each point consists of. */
(P => {
  if (!P.ledger || !P.explained) return;
  const { el, number, percent, sum } = P;

  const shades = (name, share) => `color-mix(in srgb, var(--${name}) ${share}%, var(--panel))`;
  const PARTS = [
    ["user", "the programs' own work", "var(--user)"], ["path", "the kernel's path", "var(--kernel)"],
    ["tlb.flushed", "pages that a CR3 write flushed", "var(--tlb)"], ["tlb.other", "other page walks", shades("tlb", 55)],
    ["l1.program", "L1 refill: evicted by the program itself", shades("data", 55)], ["l1.kernel", "L1 refill: by the kernel", "var(--fetch)"],
    ["l1.others", "L1 refill: by other programs", "var(--branch)"], ["l1.first", "L1: never there", shades("data", 30)],
    ["l2.program", "L2 refill: evicted by the program itself", shades("cross", 45)], ["l2.kernel", "L2 refill: by the kernel", shades("cross", 70)],
    ["l2.others", "L2 refill: by other programs", "var(--cross)"], ["l2.first", "L2: never there", shades("cross", 25)],
    ["stores", "write buffers and the bus", "var(--bus)"],
  ];
  const partOf = key => PARTS.find(p => p[0] === key) || [key, key, "var(--other)"];
  const each = (cell, n) => n / (cell.operations || 1);
  const grid = name => /^(\d+)x(\d+)$/.exec(name);

  const addCells = (panel, doc, at) => {
    const cells = doc.cells, keys = [...new Set(cells.flatMap(c => Object.keys(c.parts)))].filter(k => cells.some(c => c.parts[k]));
    const where = el("div"), bars = el("div");
    const what = el("select", { "aria-label": "part", id: `cells-part-${at}`, onchange: () => draw() }, el("option", { value: "" }, "all of it"),
      ...keys.map(k => el("option", { value: k }, partOf(k)[1])));
    const without = el("input", { type: "checkbox", id: `cells-own-${at}`, checked: true, onchange: () => draw() });
    const counts = k => !(without.checked && k === "user");
    const total = c => sum(keys.filter(counts), k => c.parts[k] || 0);
    const value = c => what.value ? c.parts[what.value] || 0 : total(c);
    const surface = () => {
      const points = cells.map(c => ({ cell: c, point: grid(c.name) })).filter(p => p.point);
      const axis = n => [...new Set(points.map(p => Number(p.point[n])))].sort((a, b) => a - b);
      const most = Math.max(1, ...points.map(p => each(p.cell, value(p.cell))));
      const rows = axis(1), columns = axis(2);
      return el("table", { class: "heat surface", id: `cells-${at}` }, el("thead", {}, el("tr", {}, el("th", {}, "processes \\ footprint"),
        ...columns.map(k => el("th", { scope: "col" }, `${k} KB`)))), el("tbody", {}, ...rows.map(r => el("tr", {},
        el("th", { scope: "row" }, r), ...columns.map(k => {
          const found = points.find(p => Number(p.point[1]) === r && Number(p.point[2]) === k);
          if (!found) return el("td", {}, "");
          const n = each(found.cell, value(found.cell)), share = n / most;
          return el("td", { style: `background:${P.heatColour(share)};color:${P.heatInk(share)}`, "data-value": value(found.cell),
            title: `${number(found.cell.operations)} switches, ${number(found.cell.cycles)} cycles in all` }, number(n, 1));
        })))));
    };
    const bar = (c, most) => {
      const shown = keys.filter(k => counts(k) && c.parts[k]);
      return el("div", { class: "cell" }, el("span", { class: "label" }, grid(c.name) ? `${grid(c.name)[1]} of ${grid(c.name)[2]} KB` : c.name),
        el("div", { class: "stack", style: `width:${Math.max(0.5, 62 * each(c, total(c)) / most)}%`, role: "img",
          "aria-label": shown.map(k => `${partOf(k)[1]} ${each(c, c.parts[k]).toFixed(1)}`).join(", ") },
        ...shown.map(k => el("i", { style: `flex:${c.parts[k]} 0 0;background:${partOf(k)[2]}`, onmouseleave: P.hideTip,
          onmousemove: e => P.showTip(e, `${partOf(k)[1]}\n${each(c, c.parts[k]).toFixed(1)} cycles a switch, ${percent(c.parts[k], total(c))}`) }))),
        el("b", {}, number(each(c, total(c)), 1)));
    };
    const draw = () => {
      where.replaceChildren(cells.some(c => grid(c.name)) ? surface() : "");
      const most = Math.max(1, ...cells.map(c => each(c, total(c))));
      bars.replaceChildren(...cells.map(c => bar(c, most)));
    };
    panel.append(el("h2", {}, "Cycles of one switch, by processes and footprint"),
      el("div", { class: "bar" }, el("label", {}, "show ", what), el("label", {}, without, " without the programs' own work")), where,
      el("h2", {}, "What they consist of"), bars,
      el("ul", { class: "legend", style: "margin-top:8px" }, ...keys.map(k => el("li", { style: `--c:${partOf(k)[2]}` }, partOf(k)[1]))));
    draw();
    P.table(panel, `cells-table-${at}`, cells, [
      { title: "cell", kind: "text", get: c => c.name }, { title: "switches", kind: "number", get: c => c.operations },
      { title: "cycles", kind: "number", get: c => c.cycles, sum: true },
      ...keys.map(k => ({ title: k, kind: "number", get: c => c.parts[k] || 0, sum: true })),
    ], 2, true);
  };

  const addIdeals = (panel, doc, at) => {
    const rows = [...doc.ideal, ...(doc.together ? [{ name: "together", text: "all of these at once", ...doc.together }] : [])];
    const most = Math.max(1, ...rows.map(r => Math.abs(r.difference)));
    panel.append(el("h2", {}, "With one thing ideal"), el("p", { class: "note" },
      "The same instructions priced again. The savings do not add up: " + (doc.together
        ? `all at once and one by one differ by ${number(Math.abs(doc.interaction))} cycles.` : "one may hide another.")));
    P.table(panel, `ideal-${at}`, rows, [
      { title: "ideal", kind: "text", get: r => r.name }, { title: "which means", kind: "text", wide: true, get: r => r.text },
      { title: "cycles", kind: "number", get: r => r.cycles },
      { title: "difference", kind: "number", get: r => r.difference, show: r => (r.difference > 0 ? "+" : r.difference < 0 ? "\u2212" : "") + number(Math.abs(r.difference)) },
      { title: "share", kind: "number", get: r => r.difference, show: r => el("span", {}, el("span", { class: "share",
        style: `width:${120 * Math.abs(r.difference) / most}px;--c:${r.difference > 0 ? "var(--tlb)" : "var(--cross)"}` }), ` ${percent(r.difference, doc.cycles)}`) },
    ], 3, true);
  };

  P.views.addExplain = panel => P.explained.forEach((doc, at) => {
    panel.append(el("h2", {}, `${doc.trace ? doc.trace.split("/").pop() : doc.machine}: ${number(doc.cycles)} cycles`));
    if (doc.cells && doc.cells.length) addCells(panel, doc, at);
    addIdeals(panel, doc, at);
  });
})(Page);
