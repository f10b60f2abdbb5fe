"use strict";
/* core: the documents of this page, numbers and elements, colours, tabs, the theme, the tip. */
const Page = (() => {
  const read = id => {
    const e = document.getElementById(id);
    return e ? JSON.parse(e.textContent) : null;
  };
  const ledger = read("ledger-data"), timeline = read("timeline-data"), stretch = read("window-data");
  const explained = read("explain-data");

  /* --- numbers ---------------------------------------------------------------------------- */
  const number = (n, decimals = 0) => (decimals ? n.toFixed(decimals) : Math.round(n).toString()).replace(/\B(?=(\d{3})+(?!\d))/g, ",");
  const percent = (part, whole) => (whole ? 100 * part / whole : 0).toFixed(2) + " %";
  const seconds = cycles => {
    const s = cycles / ledger.clock_hz;
    return s >= 1 ? s.toFixed(3) + " s" : s >= 1e-3 ? (s * 1e3).toFixed(3) + " ms"
      : s >= 1e-6 ? (s * 1e6).toFixed(2) + " \u00b5s" : (s * 1e9).toFixed(0) + " ns";
  };
  const sum = (list, of) => list.reduce((n, x) => n + of(x), 0);

  /* Spaces of one name are told apart by their number. */
  const spaceName = (id, name) => (ledger && ledger.spaces || []).some(s => s.name === name && s.id !== id) ? `${name} (${id})` : name;

  /* --- elements --------------------------------------------------------------------------- */
  const el = (tag, attributes, ...children) => {
    const e = document.createElement(tag);
    for (const [key, value] of Object.entries(attributes || {})) {
      if (value === null || value === undefined || value === false) continue;
      if (key.startsWith("on")) e.addEventListener(key.slice(2), value);
      else if (key === "style") e.style.cssText = value;
      else e.setAttribute(key, value === true ? "" : value);
    }
    e.append(...children.filter(c => c !== null && c !== undefined));
    return e;
  };

  const tip = document.getElementById("tip");
  const showTip = (event, text) => {
    tip.textContent = text;
    tip.hidden = false;
    const x = Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 8);
    const y = event.clientY + 18 + tip.offsetHeight > innerHeight
      ? event.clientY - tip.offsetHeight - 8 : event.clientY + 18;
    tip.style.left = Math.max(4, x) + "px";
    tip.style.top = Math.max(4, y) + "px";
  };
  const hideTip = () => { tip.hidden = true; };

  /* --- colours: by kind of time, and causes by what they are about ----------------------------- */
  const groups = [
    ["work", "the instructions' own work", /^(issue|execute|microcode|x87)/],
    ["decode", "decoding, pairing, addresses", /^(decode|agi|data\.bank|data\.misaligned)/],
    ["data", "data misses and stores", /^(data|write)/],
    ["fetch", "instruction fetch", /^fetch/],
    ["tlb", "page walks", /^tlb/],
    ["branch", "mispredicted branches", /^branch/],
    ["cross", "crossing privilege, segments, serialising", /^(kernel|segment|serialise|task|interrupt)/],
    ["bus", "ports, locks, the bus", /^(io|locked|bus)/],
    ["idle", "halted", /^halted/],
    ["other", "other", /./],
  ];
  const groupOf = cause => groups.find(g => g[2].test(cause))[0];
  const colour = name => `var(--${name})`;
  const computed = name => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();

  /* --- tabs ------------------------------------------------------------------------------- */
  const tabs = [], bar = document.getElementById("tabs"), panels = document.getElementById("panels");
  const select = tab => {
    for (const t of tabs) {
      const on = t === tab;
      t.button.setAttribute("aria-selected", on);
      t.button.tabIndex = on ? 0 : -1;
      t.panel.hidden = !on;
    }
    if (!tab.built) {
      tab.built = true;
      tab.build(tab.panel);
    }
    hideTip();
    if (tab.shown) tab.shown();
    history.replaceState(null, "", "#/" + tab.id);
  };
  const addTab = (id, title, build) => {
    const tab = { id, build, built: false };
    tab.panel = el("section", { role: "tabpanel", id: "panel-" + id, "aria-labelledby": "tab-" + id, hidden: true });
    tab.button = el("button", { role: "tab", id: "tab-" + id, type: "button", "aria-controls": "panel-" + id,
      onclick: () => select(tab) }, title);
    tabs.push(tab);
    bar.append(tab.button);
    panels.append(tab.panel);
    return tab;
  };
  bar.addEventListener("keydown", event => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const at = tabs.findIndex(t => t.button === document.activeElement);
    if (!step || at < 0) return;
    const to = tabs[(at + step + tabs.length) % tabs.length];
    select(to);
    to.button.focus();
    event.preventDefault();
  });

  /* --- theme ------------------------------------------------------------------------------ */
  const themes = ["system", "light", "dark"], theme = document.getElementById("theme");
  const systemDark = matchMedia("(prefers-color-scheme: dark)");
  const listeners = [];
  let chosen = "system";
  const applyTheme = () => {
    const dark = chosen === "dark" || (chosen === "system" && systemDark.matches);
    document.documentElement.dataset.theme = dark ? "dark" : "light";
    theme.textContent = "theme: " + chosen;
    listeners.forEach(f => f());
  };
  const nextTheme = () => {
    chosen = themes[(themes.indexOf(chosen) + 1) % themes.length];
    applyTheme();
  };
  theme.addEventListener("click", nextTheme);
  systemDark.addEventListener("change", applyTheme);
  addEventListener("keydown", event => {
    if (/^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName) || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "t") nextTheme();
    const n = Number(event.key);
    if (n >= 1 && n <= tabs.length) {
      select(tabs[n - 1]);
      tabs[n - 1].button.focus();
    }
  });

  const open = id => select(tabs.find(t => t.id === id));
  const start = () => {
    applyTheme();
    select(tabs.find(t => "#/" + t.id === location.hash) || tabs[0]);
  };

  /* A bar of parts with its legend: [{name, cycles, colour}], of a whole. */
  const stack = (parts, whole) => {
    const shown = parts.filter(p => p.cycles > 0);
    return [
      el("div", { class: "stack", role: "img", "aria-label": shown.map(p => `${p.name} ${percent(p.cycles, whole)}`).join(", ") },
        ...shown.map(p => el("i", { style: `flex:${p.cycles / whole} 0 0;background:${p.colour}`,
          onmousemove: e => showTip(e, `${p.name}\n${number(p.cycles)} cycles, ${percent(p.cycles, whole)}`),
          onmouseleave: hideTip }))),
      el("ul", { class: "legend" }, ...shown.map(p => {
        const item = el("li", { style: `--c:${p.colour}` }, p.name + " ", el("b", {}, number(p.cycles)), " ",
          el("span", {}, percent(p.cycles, whole)));
        return item;
      })),
    ];
  };

  return { ledger, timeline, stretch, explained, number, percent, seconds, spaceName, sum, el, showTip, hideTip, groups, groupOf, colour,
    computed, addTab, open, start, stack, onTheme: f => listeners.push(f) };
})();
