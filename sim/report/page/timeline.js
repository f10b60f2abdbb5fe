"use strict";
/* timeline: who ran when. A lane is a thread: its program, and the kernel that was entered from it;
 * boot, idle time and interrupt requests have lanes of their own. Where spans are narrower than a
 * pixel, the column shows how much of it was what. */
(P => {
  const T = P.timeline;
  if (!T || !P.ledger) return;
  const { el, number, percent } = P;
  const LANE = 26, LEFT = 190, AXIS = 24, LANES_MAX = 120;
  const KINDS = ["boot", "user", "kernel", "idle", "halted", "nested", "request", "mixed"];
  const TILING = new Set([0, 1, 2, 3, 7]);

  /* --- spans: [kind, begin since the one before, length, thread, what] ... and of mixed ones, which
   * stand for several short ones, the cycles of boot, user, kernel, idle ----------------------- */
  const spans = [];
  let begin = T.begin;
  for (const s of T.spans) {
    begin += s[1];
    spans.push({ kind: s[0], begin, end: begin + s[2], thread: s[3], what: s[4], parts: s[5] });
  }
  /* The ledger of the same run has more to say about a cluster than the timeline. */
  const K = P.ledger.kernel_paths, same = K && K.clusters.length === T.names.clusters.length;
  const clusterName = i => same ? P.clusterName(K.clusters[i], i) : T.names.clusters[i].name;
  const nameOf = s => s.kind === 2 ? (s.what >= 0 ? clusterName(s.what) : "kernel, not finished")
    : s.kind === 5 || s.kind === 6 ? "vector " + s.what.toString(16).padStart(2, "0")
      : s.kind === 7 ? "several, too short to tell apart here" : KINDS[s.kind];

  const lanes = () => {
    const byThread = new Map(), machine = { title: "idle, boot", spans: [], cycles: Infinity }, requests = { title: "interrupt requests", spans: [], cycles: Infinity };
    for (const s of spans) {
      if (s.kind === 6) requests.spans.push(s);
      else if (s.kind === 0 || s.kind === 3 || s.kind === 4 || s.kind === 7) machine.spans.push(s);
      else {
        if (!byThread.has(s.thread)) byThread.set(s.thread, { thread: s.thread, spans: [], cycles: 0 });
        const lane = byThread.get(s.thread);
        lane.spans.push(s);
        if (TILING.has(s.kind)) lane.cycles += s.end - s.begin;
      }
    }
    const threads = [...byThread.values()].sort((a, b) => b.cycles - a.cycles).slice(0, LANES_MAX)
      .sort((a, b) => T.names.threads[a.thread].space - T.names.threads[b.thread].space || a.thread - b.thread);
    const several = new Map();
    for (const l of threads) several.set(T.names.threads[l.thread].space, (several.get(T.names.threads[l.thread].space) || 0) + 1);
    for (const l of threads) {
      const id = T.names.threads[l.thread].space, space = P.spaceName(id, T.names.spaces[id].name), own = T.names.threads[l.thread].name;
      l.title = several.get(id) > 1 ? `${space}: ${own === T.names.spaces[id].name ? "thread " + l.thread : own}` : space;
    }
    return { list: [...threads, machine, requests].filter(l => l.spans.length), hidden: byThread.size - threads.length };
  };

  P.views.addTimeline = panel => {
    const { list, hidden } = lanes();
    let from = T.begin, to = T.end, chosen = null, colours = {};
    const canvas = el("canvas", { id: "time-canvas", tabindex: 0, role: "img",
      "aria-label": "timeline; arrow keys move, plus and minus zoom, 0 shows all, n and p go to the next and previous span" });
    const range = el("span", { id: "time-range", "aria-live": "polite" });
    const inView = el("div"), selection = el("div");
    const button = (text, title, act) => el("button", { type: "button", title, onclick: act }, text);
    panel.append(...[el("div", { class: "bar" }, button("+", "zoom in (key: +)", () => zoom(0.5)), button("\u2212", "zoom out (key: -)", () => zoom(2)),
      button("all", "the whole run (key: 0)", () => show(T.begin, T.end)), button("\u2190", "earlier", () => pan(-0.25)), button("\u2192", "later", () => pan(0.25)),
      button("selected", "as wide as the selected span (key: Enter)", () => chosen && show(chosen.begin, chosen.end)), range),
    el("div", { id: "time-wrap" }, canvas),
    el("ul", { class: "legend", style: "margin-top:10px" }, ...["user", "kernel", "nested", "idle", "halted", "boot", "request", ...(T.merged ? ["mixed"] : [])].map(k =>
      el("li", { style: `--c:${P.colour(k)}` }, { nested: "interrupt inside the kernel", request: "request until taken", halted: "HLT" }[k] || k))),
    hidden ? el("p", { class: "note" }, `${hidden} threads that ran least have no lane; they count in the sums.`) : null,
    T.merged ? el("p", { class: "note" }, `Spans shorter than ${number(T.merged)} cycles are drawn together; sums count each of them as what it was.`) : null,
    el("div", { class: "columns" }, inView, selection)].filter(Boolean));

    const context = canvas.getContext("2d");
    const x = cycle => LEFT + (cycle - from) / (to - from) * (canvas.clientWidth - LEFT);
    const cycleAt = px => from + (px - LEFT) / (canvas.clientWidth - LEFT) * (to - from);
    /* The first span that ends after a cycle: begins and ends of a lane rise together, save of
     * those that lie inside others, which come before the one they lie in. */
    const firstAfter = (spansOf, cycle) => {
      let low = 0, high = spansOf.length;
      while (low < high) {
        const middle = low + high >> 1;
        if (spansOf[middle].end <= cycle) low = middle + 1; else high = middle;
      }
      return low;
    };

    /* --- drawing -------------------------------------------------------------------------- */
    const step = () => {
      const raw = (to - from) / Math.max(2, (canvas.clientWidth - LEFT) / 120), power = 10 ** Math.floor(Math.log10(raw));
      return Math.max(1, [1, 2, 5, 10].find(m => m * power >= raw) * power);
    };
    const drawAxis = height => {
      context.fillStyle = colours.muted;
      context.strokeStyle = colours.line;
      context.font = "11px system-ui, sans-serif";
      context.textAlign = "center";
      const every = step();
      for (let c = Math.ceil(from / every) * every; c <= to; c += every) {
        const px = Math.round(x(c)) + 0.5;
        context.beginPath();
        context.moveTo(px, AXIS - 5);
        context.lineTo(px, height);
        context.stroke();
        if (px > LEFT + 26 && px < canvas.clientWidth - 30) context.fillText(number(c), px, 14);
      }
    };
    const drawWide = (s, top, left, right) => {
      if (s.kind === 6) {
        context.fillStyle = colours.request;
        context.globalAlpha = 0.75;
        context.fillRect(left, top + LANE - 11, Math.max(1, right - left - 0.5), 8);
        context.globalAlpha = 1;
        return;
      }
      const height = s.kind === 5 || s.kind === 4 ? LANE - 14 : LANE - 6;
      context.fillStyle = colours[KINDS[s.kind]];
      context.fillRect(left, top + LANE - 3 - height, Math.max(1, right - left - 0.5), height);
      if (s === chosen) {
        context.strokeStyle = colours.ink;
        context.lineWidth = 2;
        context.strokeRect(left + 1, top + 4, Math.max(1, right - left - 2), LANE - 8);
        context.lineWidth = 1;
      }
      if (right - left > 46 && s.kind !== 4) {
        const l = Math.max(left, LEFT);
        context.save();
        context.beginPath();
        context.rect(l, top, Math.min(right, canvas.clientWidth) - l - 3, LANE);
        context.clip();
        context.fillStyle = s.kind === 3 || s.kind === 0 ? colours.ink : "#fff";
        context.textAlign = "left";
        context.fillText(nameOf(s), l + 4, top + LANE - 9);
        context.restore();
      }
    };
    /* Columns of a pixel: what share of it each kind had. */
    const drawNarrow = (columns, top) => {
      for (const [px, parts] of columns) {
        let bottom = top + LANE - 3;
        for (const [kind, cycles] of parts) {
          const height = Math.max(0.75, (LANE - 6) * Math.min(1, cycles * (canvas.clientWidth - LEFT) / (to - from)));
          context.fillStyle = colours[KINDS[kind]];
          context.fillRect(px, bottom - height, 1, height);
          bottom -= height;
        }
      }
    };
    const drawLane = (lane, top) => {
      const columns = new Map();
      for (let i = firstAfter(lane.spans, from); i < lane.spans.length; i++) {
        const s = lane.spans[i];
        if (s.begin >= to) {
          if (s.kind === 5 || s.kind === 4) continue;
          break;
        }
        const left = x(s.begin), right = x(s.end);
        if (right - left >= 1.5 || s.kind === 6) {
          drawWide(s, top, Math.max(left, LEFT - 2), Math.max(Math.min(right, canvas.clientWidth + 2), left + 1));
        } else {
          const px = Math.floor(left);
          if (!columns.has(px)) columns.set(px, new Map());
          columns.get(px).set(s.kind, (columns.get(px).get(s.kind) || 0) + s.end - s.begin);
        }
      }
      drawNarrow(columns, top);
    };
    const draw = () => {
      const width = canvas.clientWidth, height = AXIS + list.length * LANE + 4, scale = devicePixelRatio || 1;
      if (!width) return;
      canvas.width = width * scale;
      canvas.height = height * scale;
      canvas.style.height = height + "px";
      context.setTransform(scale, 0, 0, scale, 0, 0);
      for (const k of [...KINDS, "ink", "muted", "line", "panel"]) colours[k] = P.computed(k);
      drawAxis(height);
      list.forEach((lane, i) => {
        context.save();
        context.beginPath();
        context.rect(LEFT, 0, width, height);
        context.clip();
        context.font = "11.5px system-ui, sans-serif";
        drawLane(lane, AXIS + i * LANE);
        context.restore();
        context.fillStyle = colours.ink;
        context.textAlign = "left";
        context.font = "12px system-ui, sans-serif";
        context.fillText(lane.title.length > 28 ? lane.title.slice(0, 27) + "\u2026" : lane.title, 8, AXIS + i * LANE + LANE - 9);
        context.strokeStyle = colours.line;
        context.strokeRect(-1, AXIS + (i + 1) * LANE - 0.5, width + 2, 0);
      });
      range.textContent = `cycle ${number(from)} to ${number(to)}: ${number(to - from)} cycles, ${P.seconds(to - from)}`;
      range.dataset.from = from;
      range.dataset.to = to;
    };

    /* --- what is in view ------------------------------------------------------------------ */
    const clip = s => Math.max(0, Math.min(s.end, to) - Math.max(s.begin, from));
    const tell = () => {
      const sums = { user: 0, kernel: 0, idle: 0, boot: 0 }, paths = new Map();
      for (const s of spans) {
        if (!TILING.has(s.kind) || s.end <= from || s.begin >= to) continue;
        const n = clip(s);
        if (s.kind === 7) ["boot", "user", "kernel", "idle"].forEach((k, i) => { sums[k] += s.parts[i] * n / (s.end - s.begin); });
        else sums[KINDS[s.kind]] += n;
        if (s.kind === 2) {
          const p = paths.get(s.what) || { name: nameOf(s), count: 0, cycles: 0 };
          p.count++;
          p.cycles += n;
          paths.set(s.what, p);
        }
      }
      const facts = el("dl", { class: "facts", id: "time-sums" });
      for (const [k, n] of Object.entries(sums))
        facts.append(el("dt", {}, k), el("dd", { "data-kind": k, "data-value": Math.round(n) }, `${number(n)} cycles, ${percent(n, to - from)}`));
      const top = [...paths.values()].sort((a, b) => b.cycles - a.cycles).slice(0, 8);
      inView.replaceChildren(el("h2", {}, "In view"), facts, top.length ? el("h2", {}, "Kernel paths in view") : "",
        el("dl", { class: "facts" }, ...top.flatMap(p => [el("dt", {}, p.name), el("dd", {}, `${number(p.count)} times, ${number(p.cycles)} cycles`)])));
      selection.replaceChildren(el("h2", {}, "Selected"), chosen ? el("dl", { class: "facts", id: "time-selected" },
        ...[["what", nameOf(chosen)], ["kind", KINDS[chosen.kind]], ["from cycle", number(chosen.begin)], ["to cycle", number(chosen.end)],
          ["cycles", `${number(chosen.end - chosen.begin)}, ${P.seconds(chosen.end - chosen.begin)}`],
          ...(T.names.threads[chosen.thread] && chosen.kind !== 6 ? [["space", T.names.spaces[T.names.threads[chosen.thread].space].name], ["thread", T.names.threads[chosen.thread].name]] : [])]
          .flatMap(([k, v]) => [el("dt", {}, k), el("dd", {}, v)]))
        : el("p", { class: "note" }, "Click a span. The wheel zooms, dragging moves; keys: arrows, + and \u2212, 0, n and p for the next and previous span, Enter to fit it."));
    };
    let telling = 0;
    const show = (a, b) => {
      const width = Math.min(T.end - T.begin, Math.max(10, Math.round(b - a)));
      from = Math.round(Math.min(Math.max(a, T.begin), T.end - width));
      to = from + width;
      draw();
      clearTimeout(telling);
      telling = setTimeout(tell, 40);
    };
    const zoom = (factor, around = (from + to) / 2) => show(around - (around - from) * factor, around + (to - around) * factor);
    const pan = part => show(from + part * (to - from), to + part * (to - from));
    const choose = s => {
      chosen = s;
      if (s && (s.begin >= to || s.end <= from)) show(s.begin - (to - from) / 2, s.begin + (to - from) / 2);
      draw();
      tell();
    };
    const laneOf = s => list.find(l => l.spans.includes(s));
    const next = by => {
      const lane = chosen ? laneOf(chosen) : list[0];
      const at = chosen ? lane.spans.indexOf(chosen) + by : firstAfter(lane.spans, from);
      if (lane && lane.spans[at]) choose(lane.spans[at]);
    };

    /* --- hands ---------------------------------------------------------------------------- */
    const spanAt = event => {
      const box = canvas.getBoundingClientRect(), lane = list[Math.floor((event.clientY - box.top - AXIS) / LANE)];
      const px = event.clientX - box.left, slack = 2 * (to - from) / canvas.clientWidth;
      if (!lane || px < LEFT) return null;
      const c = cycleAt(px);
      let best = null;
      for (let i = firstAfter(lane.spans, c - slack); i < lane.spans.length && i < firstAfter(lane.spans, c) + 40; i++) {
        const s = lane.spans[i];
        if (s.begin - slack <= c && s.end + slack > c && (!best || s.end - s.begin < best.end - best.begin)) best = s;
      }
      return best;
    };
    canvas.addEventListener("wheel", event => {
      event.preventDefault();
      if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) pan((event.deltaX || event.deltaY) / 800);
      else zoom(1.0018 ** event.deltaY, cycleAt(Math.max(LEFT, event.clientX - canvas.getBoundingClientRect().left)));
    }, { passive: false });
    let grip = null;
    canvas.addEventListener("pointerdown", event => {
      grip = { x: event.clientX, from, to, moved: false };
      canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener("pointermove", event => {
      if (!grip) {
        const s = spanAt(event);
        if (s) P.showTip(event, `${nameOf(s)}\n${number(s.end - s.begin)} cycles from ${number(s.begin)}`); else P.hideTip();
        return;
      }
      const by = (grip.x - event.clientX) * (grip.to - grip.from) / (canvas.clientWidth - LEFT);
      if (Math.abs(event.clientX - grip.x) > 3) grip.moved = true;
      if (grip.moved) {
        canvas.classList.add("moving");
        show(grip.from + by, grip.to + by);
      }
    });
    canvas.addEventListener("pointerup", event => {
      if (grip && !grip.moved) choose(spanAt(event));
      grip = null;
      canvas.classList.remove("moving");
    });
    canvas.addEventListener("pointerleave", P.hideTip);
    canvas.addEventListener("keydown", event => {
      const act = { ArrowLeft: () => pan(-0.1), ArrowRight: () => pan(0.1), "+": () => zoom(0.5), "=": () => zoom(0.5), ArrowUp: () => zoom(0.5),
        "-": () => zoom(2), ArrowDown: () => zoom(2), 0: () => show(T.begin, T.end), Home: () => show(T.begin, T.begin + to - from),
        End: () => show(T.end - (to - from), T.end), n: () => next(1), p: () => next(-1),
        Enter: () => chosen && show(chosen.begin, chosen.end), Escape: () => choose(null) }[event.key];
      if (!act) return;
      act();
      event.preventDefault();
      event.stopPropagation();
    });
    P.onTheme(() => { if (!panel.hidden) draw(); });
    new ResizeObserver(() => { if (!panel.hidden) draw(); }).observe(panel);
    show(from, to);
    tell();
  };
})(Page);
