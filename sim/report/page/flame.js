"use strict";
/* flame: cycles as nested bars, the root on top. A click or Enter makes a bar as wide as the page. */
(P => {
  if (!P.ledger) return;
  const { el, number, percent } = P;
  const L = P.ledger, ROW = 25;

  /* --- trees ------------------------------------------------------------------------------ */
  const node = (name, colour) => ({ name, colour, cycles: 0, children: new Map(), parent: null });
  const child = (parent, name, colour) => {
    let n = parent.children.get(name);
    if (!n) {
      n = node(name, colour);
      n.parent = parent;
      parent.children.set(name, n);
    }
    return n;
  };
  const add = (root, names, cycles) => {
    let at = root;
    at.cycles += cycles;
    for (const [name, colour] of names) {
      at = child(at, name, colour);
      at.cycles += cycles;
    }
  };
  const gateColour = name => name === "user" ? "user" : name === "boot" ? "boot" : "kernel";

  const byGate = () => {
    const root = node("all cycles", "other");
    for (const p of L.places)
      for (const [cause, n] of Object.entries(p.causes))
        add(root, [...(gateColour(p.path) === "kernel" ? [["kernel", "kernel"]] : []), [p.path, gateColour(p.path)],
          [p.name, gateColour(p.path)], [cause, P.groupOf(cause)]], n);
    return root;
  };
  const byCause = () => {
    const root = node("all cycles", "other");
    for (const p of L.places)
      for (const [cause, n] of Object.entries(p.causes))
        add(root, [[P.groups.find(g => g[0] === P.groupOf(cause))[1], P.groupOf(cause)], [cause, P.groupOf(cause)],
          [p.path, gateColour(p.path)], [p.name, gateColour(p.path)]], n);
    return root;
  };
  const account = (root, K) => {
    for (const [key, colour] of [["user", "user"], ["idle", "idle"], ["boot", "boot"], ["unfinished", "other"]])
      if (K[key]) add(root, [[key, colour]], K[key]);
  };
  const byPath = () => {
    const K = L.kernel_paths, root = node("all cycles", "other");
    account(root, K);
    const told = new Map(L.profile ? L.profile.clusters.map(c => [c.cluster, c]) : []);
    K.clusters.forEach((k, i) => {
      const name = P.clusterName(k, i), first = [["kernel", "kernel"], [name, "kernel"]];
      if (told.has(i)) {
        for (const r of told.get(i).instructions) {
          const code = L.profile.code[r.code], symbol = code.symbol.replace(/\+[0-9a-f]+$/, "") || `(${code.kind}, no symbol)`;
          add(root, [...first, [symbol, "kernel"], [`${(code.address >>> 0).toString(16)} ${code.instruction}`, "data"]], r.cycles);
        }
        return;
      }
      for (const s of k.symbols) add(root, [["kernel", "kernel"], [name, "kernel"], [s.name, "kernel"]], s.cycles);
      const rest = k.cycles - P.sum(k.symbols, s => s.cycles);
      if (rest) add(root, [["kernel", "kernel"], [name, "kernel"], ["(other symbols)", "other"]], rest);
    });
    return root;
  };
  /* Whose cycles: the space, then its program or the kernel on its behalf, by path where the
   * document says which paths were entered from it. */
  const bySpace = () => {
    const K = L.kernel_paths, root = node("all cycles", "other");
    const kernelOf = new Map();
    (K ? K.clusters : []).forEach((k, i) => (k.pairs || []).forEach(p => {
      const list = kernelOf.get(p.from) || [];
      list.push([P.clusterName(k, i), p.cycles]);
      kernelOf.set(p.from, list);
    }));
    for (const s of L.spaces) {
      const first = [s.name, s.id === 0 ? "idle" : "user"];
      if (s.user) add(root, [first, ["user", "user"]], s.user);
      let left = s.kernel || 0;
      for (const [name, cycles] of kernelOf.get(s.id) || kernelOf.get(s.name) || []) {
        const n = Math.min(cycles, left);
        if (n) add(root, [first, ["kernel", "kernel"], [name, "kernel"]], n);
        left -= n;
      }
      if (left) add(root, [first, ["kernel", "kernel"]], left);
      const rest = s.cycles - (s.user || 0) - (s.kernel || 0);
      if (rest) add(root, [first], rest);
    }
    return root;
  };
  const trees = [
    ["way into the kernel, symbol, cause", byGate],
    L.kernel_paths && [L.profile ? "kernel path, symbol, instruction" : "kernel path, symbol", byPath],
    L.spaces && ["space, path", bySpace],
    ["cause, way into the kernel, symbol", byCause],
  ].filter(Boolean);

  /* --- picture ---------------------------------------------------------------------------- */
  P.views.addFlame = panel => {
    let root = null, focus = null, words = "";
    const picture = el("div", { id: "flame" }), crumbs = el("p", { id: "crumbs", "aria-live": "polite" });
    const order = el("select", { id: "flame-order", "aria-label": "nested by", onchange: () => build() },
      ...trees.map((t, i) => el("option", { value: i }, t[0])));
    const search = el("input", { type: "search", placeholder: "mark names", "aria-label": "mark names",
      oninput: () => { words = search.value.toLowerCase(); draw(); } });
    const out = el("button", { type: "button", onclick: () => zoom(focus.parent || root) }, "zoom out");
    panel.append(el("div", { class: "bar" }, el("label", {}, "nested by ", order), search, out,
      el("span", { class: "note" }, "click or Enter zooms in, Escape out")), crumbs, picture);

    const namesOf = n => n.parent ? [...namesOf(n.parent), n.name] : [n.name];
    const describe = n => `${namesOf(n).slice(1).join(" \u203a ") || n.name}\n${number(n.cycles)} cycles, ` +
      `${percent(n.cycles, root.cycles)}${n.parent && n.parent.parent ? `, ${percent(n.cycles, n.parent.cycles)} of ${n.parent.name}` : ""}` +
      `\n${P.seconds(n.cycles)}`;
    const marked = n => words && n.name.toLowerCase().includes(words);
    /* Cycles of marked bars, none counted twice. */
    const markedSum = n => marked(n) ? n.cycles : P.sum([...n.children.values()], markedSum);

    /* Neighbours of one colour are told apart by a shade of their names. */
    const shade = name => 80 + [...name].reduce((h, c) => (h * 31 + c.charCodeAt(0)) % 997, 7) % 21;
    const bar = (n, x, width, depth, above) => {
      const light = ["decode", "idle", "halted", "fetch"].includes(n.colour);
      return el("button", { type: "button", class: `frame${light ? " light" : ""}${above ? " above" : ""}${words && !marked(n) ? " dim" : ""}`,
        style: `left:${x}px;top:${depth * ROW}px;width:${Math.max(width, 1)}px;--c:${P.colour(n.colour)};--mix:${shade(n.name)}%`,
        "data-cycles": n.cycles, "data-name": n.name, "aria-label": `${n.name}, ${number(n.cycles)} cycles`,
        onclick: () => zoom(n), onmousemove: e => P.showTip(e, describe(n)), onmouseleave: P.hideTip },
      width > 24 ? `${n.name}${width > 150 ? "  " + percent(n.cycles, root.cycles) : ""}` : "");
    };
    const draw = () => {
      const whole = picture.clientWidth || 1000, bars = [];
      const chain = [];
      for (let n = focus; n; n = n.parent) chain.unshift(n);
      chain.forEach((n, depth) => bars.push(bar(n, 0, whole, depth, n !== focus)));
      let deepest = chain.length;
      const place = (n, x, depth) => {
        for (const c of [...n.children.values()].sort((a, b) => b.cycles - a.cycles)) {
          const width = whole * c.cycles / focus.cycles;
          if (width >= 0.6) {
            deepest = Math.max(deepest, depth + 1);
            bars.push(bar(c, x, width, depth, false));
            place(c, x, depth + 1);
          }
          x += width;
        }
      };
      place(focus, 0, chain.length);
      picture.style.height = (deepest + 1) * ROW + "px";
      picture.replaceChildren(...bars);
      crumbs.replaceChildren(el("b", {}, namesOf(focus).join(" \u203a ")), ` ${number(focus.cycles)} cycles, ${percent(focus.cycles, root.cycles)}` +
        (words ? `; marked: ${number(markedSum(focus))} cycles` : ""));
      out.disabled = focus === root;
    };
    const zoom = n => {
      focus = n;
      P.hideTip();
      draw();
      const first = [...picture.children].find(b => b.dataset.name === n.name && !b.classList.contains("above"));
      if (first) first.focus({ preventScroll: true });
    };
    const build = () => {
      root = focus = trees[Number(order.value)][1]();
      draw();
    };
    picture.addEventListener("keydown", event => {
      const bars = [...picture.children], at = bars.indexOf(document.activeElement);
      const to = { ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1 }[event.key];
      if (event.key === "Escape" && focus.parent) zoom(focus.parent);
      else if (to !== undefined && bars[to]) bars[to].focus({ preventScroll: true });
      else return;
      event.preventDefault();
    });
    new ResizeObserver(() => { if (!panel.hidden) draw(); }).observe(panel);
    build();
  };
})(Page);
