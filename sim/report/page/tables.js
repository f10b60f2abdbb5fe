"use strict";
/* tables: rows that are sorted by a click on a column's head and narrowed by what is typed. */
(P => {
  const { el, number, percent } = P;
  const SHOWN = 300;

  /* columns: [{title, get(row), kind: "text" | "number" | "code" | "bar", show(row) -> text or node, sum,
   * wide: its text goes on in a second line, grows: it has the room that others leave}]. The sum stands below, over all
   * rows that are not filtered away. */
  P.table = (where, id, rows, columns, firstSort, upwards) => {
    let sort = firstSort, down = !upwards, words = "", all = false;
    const count = el("span", { class: "note" });
    const more = el("button", { type: "button", onclick: () => { all = true; draw(); } }, "show all");
    const filter = el("input", { type: "search", placeholder: "filter", "aria-label": "filter " + id,
      oninput: () => { words = filter.value.toLowerCase(); draw(); } });
    const heads = columns.map((c, i) => el("th", { scope: "col", class: c.kind === "number" ? "n" : c.grows ? "grows" : null },
      el("button", { type: "button", onclick: () => {
        down = sort === i ? !down : c.kind === "number";
        sort = i;
        draw();
      } }, c.title)));
    const body = el("tbody"), foot = el("tfoot");
    where.append(el("div", { class: "bar" }, filter, count, more),
      el("div", { class: "scroll" }, el("table", { id }, el("thead", {}, el("tr", {}, ...heads)), body, foot)));

    const matches = row => !words || columns.some(c => c.kind !== "number" && String(c.get(row)).toLowerCase().includes(words));
    const compare = (a, b) => {
      const x = columns[sort].get(a), y = columns[sort].get(b);
      const order = typeof x === "number" ? x - y : String(x) < String(y) ? -1 : String(x) > String(y) ? 1 : 0;
      return down ? -order : order;
    };
    const cell = (c, row) => {
      const value = c.get(row), shown = c.show ? c.show(row) : c.kind === "number" ? number(value) : value;
      return el("td", { class: { number: "n", code: "code", bar: "drawn" }[c.kind] || (c.wide ? "wide" : "name"),
        "data-value": c.kind === "number" ? value : null, title: c.kind === "text" ? value : null }, shown);
    };
    const draw = () => {
      const kept = rows.filter(matches).sort(compare), shown = all ? kept : kept.slice(0, SHOWN);
      heads.forEach((h, i) => h.setAttribute("aria-sort", i !== sort ? "none" : down ? "descending" : "ascending"));
      body.replaceChildren(...shown.map(row => el("tr", {}, ...columns.map(c => cell(c, row)))));
      if (columns.some(c => c.sum)) foot.replaceChildren(el("tr", {}, ...columns.map((c, i) => {
        if (!c.sum) return el("td", {}, i === 0 ? "sum" : "");
        const total = P.sum(kept, c.get);
        return el("td", { class: "n", "data-value": total }, number(total));
      })));
      count.textContent = `${number(kept.length)} of ${number(rows.length)} rows` +
        (shown.length < kept.length ? `, the first ${SHOWN} shown` : "");
      more.hidden = shown.length === kept.length;
    };
    draw();
  };

  const share = (value, whole, colour) => el("span", {}, el("span", { class: "share",
    style: `width:${whole ? Math.max(value ? 1 : 0, 60 * value / whole) : 0}px;--c:${colour}` }));

  /* Causes of one row as a small bar. */
  P.causeBar = (causes, whole) => {
    const byGroup = new Map();
    for (const [cause, n] of Object.entries(causes))
      byGroup.set(P.groupOf(cause), (byGroup.get(P.groupOf(cause)) || 0) + n);
    const text = Object.entries(causes).sort((a, b) => b[1] - a[1]).map(([c, n]) => `${c} ${number(n)}`).join("\n");
    return el("span", { class: "causes", onmousemove: e => P.showTip(e, text), onmouseleave: P.hideTip },
      ...P.groups.filter(g => byGroup.has(g[0])).map(g => el("i", {
        style: `width:${whole ? 100 * byGroup.get(g[0]) / whole : 0}%;background:${P.colour(g[0])}` })));
  };
  /* [[from, to, count]] as bars that say what they are; tall: with the values below. */
  P.histogram = (buckets, tall) => {
    const most = Math.max(1, ...buckets.map(b => b[2])), all = P.sum(buckets, b => b[2]);
    const text = ([from, to, n]) => `${number(from)}${to - from > 1 ? ` to ${number(to - 1)}` : ""} cycles\n${number(n)} times, ${percent(n, all)}`;
    return el("span", { class: tall ? "histogram tall" : "histogram", role: "img", "aria-label": buckets.filter(b => b[2]).map(text).join("; ") },
      ...buckets.map(b => el("span", { onmousemove: e => P.showTip(e, text(b)), onmouseleave: P.hideTip },
        el("i", { "data-value": b[2], style: `height:${b[2] ? Math.max(1, (tall ? 84 : 16) * b[2] / most) : 0}px` }), tall ? el("b", {}, number(b[0])) : null)));
  };
  const quantiles = of => [50, 90, 99].map(n => ({ title: n + " %", kind: "number", get: r => (of(r) || {})["p" + n] || 0,
    show: r => (of(r) || {})["p" + n] === undefined ? "" : number(of(r)["p" + n]) }));
  const histogramColumn = of => ({ title: "histogram", kind: "bar", get: r => (of(r) || { max: 0 }).max,
    show: r => of(r) && of(r).histogram.length > 1 ? P.histogram(of(r).histogram) : "" });
  const percentColumn = (get, whole) => ({ title: "share", kind: "number", get, show: row => percent(get(row), whole) });
  const shareColumn = (get, whole, colour) => ({ title: "share", kind: "number", get,
    show: row => el("span", {}, share(get(row), whole, colour), " ", percent(get(row), whole)) });
  const causesColumn = { title: "causes", kind: "bar", get: r => r.cycles, show: r => P.causeBar(r.causes, r.cycles) };

  if (!P.ledger) return;
  const L = P.ledger, whole = L.cycles;

  /* Where most of a path's cycles went, which tells paths of one gate apart at sight. */
  const mainSymbol = k => k.symbols.reduce((best, s) => !s.name.startsWith("(") && s.cycles > (best ? best.cycles : 0) ? s : best, null);
  P.clusterName = (k, i) => {
    const main = mainSymbol(k), named = k.name && !k.name.includes(" -> ");
    return `#${i + 1} ${named ? k.name : k.entry}${k.from_idle ? " (idle)" : ""} \u2192 ${k.ends}${!named && main ? ` (${main.name})` : ""}`;
  };
  const clusters = () => L.kernel_paths.clusters.map((k, i) => ({ ...k, at: i }));

  const phaseColour = name => ({ user: "var(--user)", entry: "var(--cross)", kernel: "var(--kernel)", exit: "var(--branch)",
    nested: "var(--nested)" }[name] || "var(--other)");

  const addPaths = panel => {
    if (L.kernel_paths) {
      const K = L.kernel_paths;
      panel.append(el("h2", {}, "Kernel paths"), el("p", { class: "note" },
        "What the kernel did between an entry to privilege 0 and the exit from it, told apart by the branches taken. " +
        "Half of its instances took no longer than 50 % says, and so on; lines, pages and instructions are means over them."));
      const told = new Set(L.profile ? L.profile.clusters.map(c => c.cluster) : []);
      const rows = [...clusters(), ...["user", "idle", "boot", "unfinished"].filter(a => K[a]).map(a => ({ account: a, cycles: K[a], causes: {} }))];
      const mean = key => r => r.account || r[key] === undefined ? 0 : r[key] / r.count;
      const perInstance = (title, key) => ({ title, kind: "number", get: mean(key),
        show: r => r.account || r[key] === undefined ? "" : number(mean(key)(r), 1) });
      const onlyPaths = (title, key) => ({ title, kind: "number", get: r => r.account ? 0 : r[key], show: r => r.account ? "" : number(r[key]) });
      P.table(panel, "paths", rows, [
        { title: "path", kind: "text", grows: true, get: r => r.account || P.clusterName(r, r.at), show: r => r.account || !told.has(r.at) ? r.account ||
          P.clusterName(r, r.at) : el("a", { href: "#/instructions", onclick: e => { e.preventDefault(); P.open("instructions"); P.showInstructions(r.at); } },
          P.clusterName(r, r.at)) },
        { ...onlyPaths("times", "count"), sum: true },
        { title: "cycles", kind: "number", get: r => r.cycles, sum: true },
        percentColumn(r => r.cycles, K.cycles),
        perInstance("mean", "cycles"), onlyPaths("min", "min"), ...quantiles(r => r.account ? null : r), onlyPaths("max", "max"),
        histogramColumn(r => r.account ? null : r), perInstance("instr.", "instructions"), perInstance("code lines", "code_lines"),
        perInstance("data lines", "data_lines"), perInstance("pages", "pages"),
        { ...causesColumn, show: r => r.account ? "" : P.causeBar(r.causes, r.cycles) },
      ], 2);
    }
    if (L.kernel_paths && (L.kernel_paths.round_trips || []).length) addTrips(panel, L.kernel_paths.round_trips);
    if (L.kernel_paths && (L.kernel_paths.interrupt_latency || []).length) addLatency(panel, L.kernel_paths.interrupt_latency);
    panel.append(el("h2", {}, "Ways into privilege 0"));
    P.table(panel, "gates", L.paths, [
      { title: "way in", kind: "text", get: r => r.name },
      { title: "entries", kind: "number", get: r => r.entries, sum: true },
      { title: "cycles", kind: "number", get: r => r.cycles, sum: true },
      shareColumn(r => r.cycles, whole, "var(--kernel)"), causesColumn,
    ], 2);
  };

  /* Call and reply joined: the way there, the server's own cycles, the way back, and what else came
   * between. */
  const LEGS = [["send", "var(--kernel)"], ["server", "var(--user)"], ["answer", "var(--branch)"], ["other", "var(--other)"]];
  const addTrips = (panel, trips) => {
    const K = L.kernel_paths, cycles = r => P.sum(LEGS, leg => r[leg[0]] || 0);
    const mean = (title, get) => ({ title, kind: "number", get: r => r.count ? get(r) / r.count : 0, show: r => r.count ? number(get(r) / r.count, 1) : "" });
    panel.append(el("h2", {}, "Round trips"), el("p", { class: "note" }, "A call and its reply joined; means over the trips, in cycles: the way there, the server as a program, the way back, what else came between."));
    P.table(panel, "trips", trips, [
      { title: "client", kind: "text", get: r => P.spaceName(r.client_space, r.client_name) }, { title: "call", kind: "text", get: r => P.clusterName(K.clusters[r.call], r.call) },
      { title: "server", kind: "text", get: r => P.spaceName(r.server_space, r.server_name) }, { title: "reply", kind: "text", get: r => P.clusterName(K.clusters[r.reply], r.reply) },
      { title: "trips", kind: "number", get: r => r.count, sum: true }, ...LEGS.map(leg => mean(leg[0], r => r[leg[0]] || 0)), mean("sum", cycles),
      { title: "parts", kind: "bar", get: cycles, show: r => el("span", { class: "causes" }, ...LEGS.map(leg =>
        el("i", { style: `width:${100 * (r[leg[0]] || 0) / (cycles(r) || 1)}%;background:${leg[1]}` }))) },
    ], 4);
  };
  const addLatency = (panel, latency) => {
    const mean = r => r.handler.count ? r.handler.cycles / r.handler.count : 0;
    panel.append(el("h2", {}, "Interrupt latency"), el("p", { class: "note" },
      "From the request to the first instruction of the handler, in cycles; so many percent of them were no longer than ..."));
    P.table(panel, "latency", latency, [
      { title: "vector", kind: "number", get: r => r.vector, show: r => r.vector.toString(16).padStart(2, "0") },
      { title: "times", kind: "number", get: r => r.handler.count, sum: true }, { title: "mean", kind: "number", get: mean, show: r => number(mean(r), 1) },
      { title: "min", kind: "number", get: r => r.handler.min }, ...quantiles(r => r.handler),
      { title: "max", kind: "number", get: r => r.handler.max }, histogramColumn(r => r.handler), { title: "at cycle", kind: "number", get: r => r.handler.max_at },
    ], 1);
  };

  const addDurations = (where, k) => {
    if (k.histogram.length < 2) return;
    const said = [["min", k.min], ["50 %", k.p50], ["90 %", k.p90], ["99 %", k.p99], ["max", k.max]];
    where.append(el("p", { class: "note" }, "Cycles of its instances: " + said.map(([name, n]) => `${name} ${number(n)}`).join(", ")),
      P.histogram(k.histogram, true));
  };

  /* A path's instructions in the order in which they first ran. */
  const addInstructions = panel => {
    const R = L.profile, K = L.kernel_paths, where = el("div");
    const choice = el("select", { id: "instructions-path", "aria-label": "path", onchange: () => draw() }, ...R.clusters.map((c, i) =>
      el("option", { value: i }, `${P.clusterName(K.clusters[c.cluster], c.cluster)}: ${number(c.count)} times, ${number(c.cycles)} cycles`)));
    const draw = () => {
      const c = R.clusters[Number(choice.value)], phases = new Map();
      const rows = c.instructions.map((r, i) => ({ ...R.code[r.code], ...r, at: i }));
      for (const r of rows) phases.set(r.phase, (phases.get(r.phase) || 0) + r.cycles);
      const pipes = rows.some(r => r.units) ? [{ title: "unit", kind: "text", get: r => r.units || "" }]
        : [{ title: "U", kind: "number", get: r => r.u }, { title: "V", kind: "number", get: r => r.v }];
      where.replaceChildren(...P.stack([...phases].map(([name, cycles]) => ({ name, cycles, colour: phaseColour(name) })), c.cycles));
      addDurations(where, K.clusters[c.cluster]);
      P.table(where, "instructions", rows, [
        { title: "#", kind: "number", get: r => r.at },
        { title: "address", kind: "code", get: r => (r.address >>> 0).toString(16).padStart(8, "0") },
        { title: "symbol", kind: "text", get: r => r.symbol }, { title: "instruction", kind: "code", get: r => r.instruction },
        { title: "phase", kind: "text", get: r => r.phase },
        { title: "times", kind: "number", get: r => r.executions }, ...pipes,
        { title: "cycles", kind: "number", get: r => r.cycles, sum: true },
        { title: "each", kind: "number", get: r => r.executions ? r.cycles / r.executions : 0,
          show: r => r.executions ? number(r.cycles / r.executions, 2) : "" },
        { title: "causes", kind: "text", wide: true, get: r => Object.entries(r.causes).sort((a, b) => b[1] - a[1]).slice(0, 3)
          .map(([name, n]) => `${name} ${number(n)}`).join(", ") },
      ], 0, true);
    };
    panel.append(el("div", { class: "bar" }, el("label", {}, "path ", choice)), where);
    if (R.rest.cycles)
      panel.append(el("p", { class: "note" }, `${number(R.rest.clusters)} paths that cost least, ${number(R.rest.cycles)} cycles in all, are not told by instruction.`));
    draw();
    P.showInstructions = cluster => {
      const i = R.clusters.findIndex(c => c.cluster === cluster);
      if (i < 0) return;
      choice.value = i;
      draw();
    };
  };

  const addSymbols = panel => P.table(panel, "symbols", L.places, [
    { title: "symbol", kind: "text", get: r => r.name },
    { title: "way in", kind: "text", get: r => r.path },
    { title: "cycles", kind: "number", get: r => r.cycles, sum: true },
    shareColumn(r => r.cycles, whole, "var(--accent)"), causesColumn,
  ], 2);

  const addCauses = panel => P.table(panel, "causes", Object.entries(L.causes).map(([name, cycles]) => ({ name, cycles })), [
    { title: "cause", kind: "text", get: r => r.name },
    { title: "kind", kind: "text", get: r => P.groups.find(g => g[0] === P.groupOf(r.name))[1] },
    { title: "cycles", kind: "number", get: r => r.cycles, sum: true },
    { title: "share", kind: "number", get: r => r.cycles, show: r => el("span", {},
      share(r.cycles, whole, P.colour(P.groupOf(r.name))), " ", percent(r.cycles, whole)) },
  ], 2);

  const addSpaces = panel => {
    panel.append(el("h2", {}, "Address spaces"), el("p", { class: "note" },
      "Kernel cycles are those from an entry out of the space to the exit, wherever that leads."));
    const columns = [
      { title: "name", kind: "text", get: r => P.spaceName(r.id, r.name) },
      { title: "entries", kind: "number", get: r => r.entries || 0, sum: true },
      { title: "user", kind: "number", get: r => r.user || 0, sum: true },
      { title: "kernel", kind: "number", get: r => r.kernel || 0, sum: true },
      { title: "cycles", kind: "number", get: r => r.cycles, sum: true },
      shareColumn(r => r.cycles, whole, "var(--user)"),
    ];
    P.table(panel, "spaces", L.spaces, columns, 4);
    if (!L.threads) return;
    const nameOf = new Map(L.spaces.map(s => [s.id, P.spaceName(s.id, s.name)]));
    panel.append(el("h2", {}, "Threads"));
    P.table(panel, "threads", L.threads, [{ title: "name", kind: "text", get: r => r.name },
      { title: "space", kind: "text", get: r => nameOf.get(r.space) || String(r.space) }, ...columns.slice(1)], 5);
  };

  const addWindow = panel => {
    const W = P.stretch, phases = new Map();
    for (const e of W.instructions) phases.set(e.phase, (phases.get(e.phase) || 0) + e.cycles);
    panel.append(el("h2", {}, `${number(W.cycles)} cycles, ${number(W.instructions.length)} instructions`),
      ...P.stack([...phases].map(([name, cycles]) => ({ name, cycles,
        colour: phaseColour(name) })), W.cycles));
    P.table(panel, "window", W.instructions.map((e, i) => ({ ...e, at: i })), [
      { title: "#", kind: "number", get: r => r.at },
      { title: "address", kind: "code", get: r => (r.address >>> 0).toString(16).padStart(8, "0") },
      { title: "symbol", kind: "text", get: r => r.symbol },
      { title: "instruction", kind: "code", get: r => r.instruction || "(interrupt or exception)" },
      { title: "phase", kind: "text", get: r => r.phase }, { title: "pipe", kind: "text", get: r => r.pipe },
      { title: "cycles", kind: "number", get: r => r.cycles, sum: true },
      { title: "causes", kind: "text", wide: true, get: r => Object.entries(r.causes).map(([c, n]) => `${c} ${n}`).join(", ") },
    ], 0, true);
  };

  P.views = { addPaths, addInstructions, addSymbols, addCauses, addSpaces, addWindow };
})(Page);
