"use strict";
/* main: what the page begins with, and which views it has. */
(P => {
  const L = P.ledger, { el, number, percent } = P;
  const clock = (L.clock_hz / 1e6).toFixed(2) + " MHz";
  document.getElementById("what").textContent = `${L.machine}, ${L.model} model, ${clock}, ${L.temperature}`;
  document.title = `Isochron: ${L.machine}, ${number(L.cycles)} cycles`;

  const tile = (value, text, exact) => el("div", { class: "tile" }, el("b", { "data-value": exact }, value), el("span", {}, text));
  const addOverview = panel => {
    const K = L.kernel_paths, user = P.sum(L.paths.filter(p => p.name === "user"), p => p.cycles);
    const boot = P.sum(L.paths.filter(p => p.name === "boot"), p => p.cycles);
    const off = K && K.interrupts_off || { cluster: -1 };
    panel.append(el("div", { class: "tiles", id: "tiles" },
      tile(number(L.cycles), `cycles of ${clock}: ${P.seconds(L.cycles)}`, L.cycles),
      tile(number(L.instructions), "instructions", L.instructions),
      tile(L.instructions ? (L.cycles / L.instructions).toFixed(3) : "-", "cycles each"),
      tile(percent(K ? P.sum(K.clusters, k => k.cycles) : L.cycles - user - boot, L.cycles), "in the kernel"),
      K ? tile(number(P.sum(K.clusters, k => k.count)), `entries to it, on ${number(K.clusters.length)} paths`) : null,
      K ? tile(number(off.longest || 0), "cycles: the longest with interrupts off" +
        (off.cluster >= 0 ? `, in ${P.clusterName(K.clusters[off.cluster], off.cluster)}` : "") +
        (off.symbol ? `: ${off.symbol} to ${off.to_symbol}` : "")) : null));
    panel.append(el("h2", {}, "Who ran"), ...P.stack(K
      ? [{ name: "user", cycles: K.user, colour: "var(--user)" },
        { name: "kernel", cycles: P.sum(K.clusters, k => k.cycles) + K.unfinished, colour: "var(--kernel)" },
        { name: "idle", cycles: K.idle, colour: "var(--idle)" }, { name: "boot", cycles: K.boot, colour: "var(--boot)" }]
      : [{ name: "user", cycles: user, colour: "var(--user)" }, { name: "kernel", cycles: L.cycles - user - boot, colour: "var(--kernel)" },
        { name: "boot", cycles: boot, colour: "var(--boot)" }], L.cycles));
    const groups = P.groups.map(([id, name]) => ({ name, colour: P.colour(id),
      cycles: P.sum(Object.entries(L.causes).filter(([c]) => P.groupOf(c) === id), e => e[1]) }));
    panel.append(el("h2", {}, "Where the cycles went"), ...P.stack(groups, L.cycles));
    if (K) {
      const kernel = P.sum(K.clusters, k => k.cycles);
      const causes = P.groups.map(([id, name]) => ({ name, colour: P.colour(id), cycles: P.sum(K.clusters, k =>
        P.sum(Object.entries(k.causes).filter(([c]) => P.groupOf(c) === id), e => e[1])) }));
      panel.append(el("h2", {}, "Where the kernel's cycles went"), ...P.stack(causes, kernel));
    }
    const quality = { read: "var(--cross)", fitted: "var(--decode)", estimate: "var(--fetch)", "from memory": "var(--tlb)" };
    panel.append(el("h2", {}, "What the latencies rest on"), ...P.stack(Object.entries(L.quality).map(([name, cycles]) =>
      ({ name, cycles, colour: quality[name] || "var(--other)" })), L.cycles));
  };

  P.addTab("overview", "Overview", addOverview);
  P.addTab("flame", "Flame graph", P.views.addFlame);
  if (P.views.addTimeline) P.addTab("timeline", "Timeline", P.views.addTimeline);
  P.addTab("paths", "Paths", P.views.addPaths);
  if (L.profile && L.kernel_paths) P.addTab("instructions", "Instructions", P.views.addInstructions);
  P.addTab("symbols", "Symbols", P.views.addSymbols);
  P.addTab("causes", "Causes", P.views.addCauses);
  if (L.spaces) P.addTab("spaces", "Spaces", P.views.addSpaces);
  if (P.views.addBlame) P.addTab("blame", "Blame", P.views.addBlame);
  if (P.views.addExplain) P.addTab("explain", "Explain", P.views.addExplain);
  if (P.stretch) P.addTab("window", "Window", P.views.addWindow);
  document.getElementById("foot").append("keys: ", el("kbd", {}, "1"), " \u2026 views, ", el("kbd", {}, "t"), " theme. ",
    "Every number on this page is a count of the simulator, in processor cycles; the sums are those of the documents inside this file.");
  P.start();
})(Page);
