"use strict";
// Draws the figures, makes tables sortable and searchable, follows light, dark and print, and, live, the page's source.
(() => {
  const DASHES = { solid: "", dot: "2 3", dash: "6 3", longdash: "9 3", dashdot: "6 3 2 3", longdashdot: "9 3 2 3" };
  const root = document.documentElement;

  const colour = (name) => {
    const variable = /^[1-8]$/.test(name) ? `--c${name}` : `--${name}`;
    return getComputedStyle(root).getPropertyValue(variable).trim();
  };
  const themed = (value, key = "") => {  // only what is a colour: a name "@good" stays a name
    if (typeof value === "string") {
      return /color/i.test(key) && /^@[a-z1-8]+$/.test(value) ? colour(value.slice(1)) : value;
    }
    if (Array.isArray(value)) return value.map((inner) => themed(inner, key));
    if (value === null || typeof value !== "object") return value;
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, themed(inner, name)]));
  };
  const merged = (base, over) => {
    const result = { ...base };
    for (const [key, value] of Object.entries(over || {})) {
      const both = [result[key], value].every((one) => one && typeof one === "object" && !Array.isArray(one));
      result[key] = both ? merged(result[key], value) : value;
    }
    return result;
  };

  const axis = () => ({
    gridcolor: colour("line"), zeroline: false, linecolor: colour("line"), automargin: true, fixedrange: false,
    tickfont: { color: colour("muted") }, title: { font: { color: colour("muted"), size: 12 }, standoff: 8 },
  });
  const layoutOf = (figure, narrow) => {
    const given = themed(figure.layout || {});
    const base = {
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", autosize: true, showlegend: false,
      font: { color: colour("text"), size: 12, family: getComputedStyle(document.body).fontFamily },
      colorway: [1, 2, 3, 4, 5, 6, 7, 8].map((number) => colour(String(number))),
      margin: { l: narrow ? 44 : 56, r: 12, t: 12, b: 44 }, dragmode: narrow ? false : "zoom", hovermode: "closest",
      hoverlabel: { bgcolor: colour("panel"), bordercolor: colour("muted"), font: { color: colour("text") }, align: "left" },
      xaxis: axis(), yaxis: axis(),
    };
    for (const key of Object.keys(given)) if (/^[xy]axis\d+$/.test(key)) base[key] = axis();
    return merged(base, given);
  };
  const CONFIG = {
    responsive: true, displaylogo: false, displayModeBar: false, doubleClick: "reset", showTips: false,
    showEditInChartStudio: false,
  };

  const figures = [];

  const button = (text, kind, pressed) => {
    const made = document.createElement("button");
    made.type = "button";
    made.className = kind;
    made.setAttribute("aria-pressed", String(pressed));
    made.append(text);
    return made;
  };
  const decoded = (text) => {  // a figure's text is escaped for plotly; here it is plain
    const area = document.createElement("textarea");
    area.innerHTML = text;
    return area.value;
  };

  // A button for each trace or group of traces that has a name: what is hidden stays on the page as a crossed-out button.
  const legend = (one) => {
    const groups = new Map();
    one.figure.data.forEach((trace, index) => {
      if (!trace.name || trace.showlegend === false && !trace.legendgroup) return;
      const key = trace.legendgroup || trace.name;
      if (!groups.has(key)) groups.set(key, { trace, indices: [] });
      groups.get(key).indices.push(index);
    });
    if (groups.size < 2) return;
    for (const [key, { trace, indices }] of groups) {
      const made = button("", "seed", !one.hidden.has(key));
      made.dataset.group = key;
      const sign = document.createElementNS("http://www.w3.org/2000/svg", "svg");
      sign.setAttribute("width", "22");
      sign.setAttribute("height", "10");
      sign.setAttribute("aria-hidden", "true");
      const stroke = document.createElementNS(sign.namespaceURI, "line");
      const solid = trace.type === "bar", marks = trace.mode === "markers";
      for (const [name, value] of Object.entries({
        x1: marks ? 6 : 0, x2: marks ? 16 : 22, y1: 5, y2: 5, "stroke-width": solid || marks ? 10 : 2.5,
        "stroke-dasharray": solid || marks ? "" : DASHES[(trace.line || {}).dash || "solid"] || "",
      })) stroke.setAttribute(name, value);
      made.dataset.colour = (trace.line || {}).color || (trace.marker || {}).color || "@1";
      sign.append(stroke);
      made.append(sign, decoded(trace.name));
      made.addEventListener("click", () => {
        const shown = made.getAttribute("aria-pressed") !== "true";
        made.setAttribute("aria-pressed", String(shown));
        if (shown) one.hidden.delete(key); else one.hidden.add(key);
        Plotly.restyle(one.plot, { visible: shown }, indices);
      });
      one.controls.append(made);
    }
  };
  const views = (one) => {
    const given = one.figure.views || [];
    given.forEach((view, index) => {
      const made = button(decoded(view.label), "view", index === one.view);
      made.addEventListener("click", () => {
        one.view = index;
        for (const other of one.controls.querySelectorAll(".view")) {
          other.setAttribute("aria-pressed", String(other === made));
        }
        Plotly.relayout(one.plot, themed(view.relayout));
      });
      one.controls.append(made);
    });
    if (given.length) one.controls.append(Object.assign(document.createElement("span"), { className: "gap" }));
  };
  const inked = (one) => {
    for (const made of one.controls.querySelectorAll(".seed")) {
      made.querySelector("line").setAttribute("stroke", themed(made.dataset.colour, "color"));
    }
  };
  const draw = (one) => {
    const { figure, plot } = one;
    const data = themed(figure.data, "").map((trace) => ({
      ...trace, ...(one.hidden.has(trace.legendgroup || trace.name) ? { visible: false } : {}),
    }));
    const layout = layoutOf(figure, plot.clientWidth < 520);
    const view = (figure.views || [])[one.view];
    for (const [path, value] of Object.entries(view ? themed(view.relayout) : {})) {
      const names = path.split(".");
      const last = names.pop();
      names.reduce((inner, name) => (inner[name] = inner[name] || {}), layout)[last] = value;
    }
    inked(one);
    return Plotly.react(plot, data, layout, CONFIG).then(() => { plot.dataset.drawn = "yes"; });
  };
  const failed = (plot, error) => {
    plot.textContent = `This picture could not be drawn (${error}); its table is below.`;
    plot.dataset.drawn = "no";
  };
  const found = (within, before = []) => {  // before: view and hidden traces of pictures that these take the place of
    const fresh = [];
    for (const plot of within.querySelectorAll(".plot")) {
      try {
        const figure = JSON.parse(plot.parentElement.querySelector("script").textContent);
        const controls = plot.parentElement.querySelector(".controls");
        const { hidden = new Set(), view = 0 } = before[fresh.length] || {};
        const one = { plot, figure, controls, hidden, view: view < (figure.views || []).length ? view : 0 };
        views(one);
        legend(one);
        fresh.push(one);
      } catch (error) {
        failed(plot, error);
        console.error(error);
      }
    }
    figures.push(...fresh);
    return fresh;
  };
  const drawAll = async (some) => {
    for (const one of some) {
      try {
        await draw(one);
      } catch (error) {
        failed(one.plot, error);
        console.error(error);
      }
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
    root.dataset.drawn = String(document.querySelectorAll('.plot[data-drawn="yes"]').length);
  };

  const tables = (within) => {
    for (const head of within.querySelectorAll("button.sort")) {
      head.addEventListener("click", () => {
        const cell = head.parentElement;
        const place = cell.cellIndex;
        const up = cell.getAttribute("aria-sort") !== "ascending";
        for (const other of cell.parentElement.cells) other.removeAttribute("aria-sort");
        cell.setAttribute("aria-sort", up ? "ascending" : "descending");
        const body = cell.closest("table").tBodies[0];
        const keyed = [...body.rows].map((row) => {
          const { order } = row.cells[place].dataset;
          return { row, number: order === undefined ? null : Number(order), text: row.cells[place].textContent };
        });
        keyed.sort((a, b) => {
          if (a.number !== null && b.number !== null) return (a.number - b.number) * (up ? 1 : -1);
          if (a.number !== null || b.number !== null) return a.number !== null ? -1 : 1;  // what is not known comes last
          return a.text.localeCompare(b.text, "en", { numeric: true }) * (up ? 1 : -1);
        });
        body.append(...keyed.map(({ row }) => row));
      });
    }
    for (const input of within.querySelectorAll(".filter input")) {
      input.addEventListener("input", () => {
        const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
        for (const row of input.closest("div").querySelector("tbody").rows) {
          const text = row.textContent.toLowerCase();
          row.hidden = !words.every((word) => text.includes(word));
        }
      });
    }
  };

  // Live: the same address again; sections whose source has changed are put in anew, as their reader had left them.
  const sources = (page) => new Map([...page.querySelectorAll("main > section")].map((one) => [one.id, one]));
  const texts = (page) => new Map([...sources(page)].map(([id, section]) => [id, section.innerHTML]));
  const PLACES = "a, button, input, summary, [tabindex]";
  const left = (section) => ({
    open: [...section.querySelectorAll("details")].map((one) => one.open),
    typed: [...section.querySelectorAll(".filter input")].map((one) => one.value),
    sorted: [...section.querySelectorAll("th")].map((one) => one.getAttribute("aria-sort")),
    scrolled: [...section.querySelectorAll(".scroll")].map((one) => [one.scrollLeft, one.scrollTop]),
    pictures: figures.filter(({ plot }) => section.contains(plot)).map(({ view, hidden }) => ({ view, hidden })),
    focus: [...section.querySelectorAll(PLACES)].indexOf(document.activeElement),
  });
  const restored = (section, state) => {
    section.querySelectorAll("details").forEach((one, index) => { one.open = Boolean(state.open[index]); });
    section.querySelectorAll(".filter input").forEach((one, index) => {
      if (!state.typed[index]) return;
      one.value = state.typed[index];
      one.dispatchEvent(new Event("input"));
    });
    section.querySelectorAll("th").forEach((one, index) => {
      const order = state.sorted[index], head = one.querySelector("button.sort");
      if (head && order) head.click();
      if (head && order === "descending") head.click();
    });
    section.querySelectorAll(".scroll").forEach((one, index) => {
      [one.scrollLeft, one.scrollTop] = state.scrolled[index] || [0, 0];
    });
    if (state.focus >= 0) section.querySelectorAll(PLACES)[state.focus]?.focus({ preventScroll: true });
  };
  const putIn = async (section, old) => {
    const fresh = document.importNode(section, true);
    const state = old ? left(old) : null;
    if (old) {
      for (const one of figures.filter(({ plot }) => old.contains(plot))) {
        Plotly.purge(one.plot);
        figures.splice(figures.indexOf(one), 1);
      }
      old.replaceWith(fresh);
    } else document.querySelector("main").append(fresh);
    tables(fresh);
    await drawAll(found(fresh, state ? state.pictures : []));
    if (state) restored(fresh, state);
  };
  const follow = (loaded) => {
    let before = loaded, mark = "";
    const sign = document.getElementById("live");
    const ask = async () => {
      try {
        const answer = await fetch(location.href, { cache: "no-store", headers: mark ? { "If-None-Match": mark } : {} });
        if (answer.status !== 304) {
          if (!answer.ok) throw new Error(`${answer.status}`);
          const page = new DOMParser().parseFromString(await answer.text(), "text/html");
          const now = texts(page), shown = sources(document);
          for (const [id, section] of sources(page)) {
            if (before.get(id) !== now.get(id)) await putIn(section, shown.get(id));
          }
          for (const [id, section] of shown) if (!now.has(id)) section.remove();
          before = now;
          mark = answer.headers.get("ETag") || "";
        }
        sign.textContent = "Live.";
        root.dataset.live = "yes";
      } catch (error) {
        if (root.dataset.live !== "no") {
          sign.textContent = `Not live since ${new Date().toLocaleTimeString()}: golf serve has ended, or this has gone.`;
        }
        root.dataset.live = "no";
      }
      setTimeout(ask, 3000);
    };
    setTimeout(ask, 3000);
  };

  const loaded = document.body.hasAttribute("data-live") ? texts(document) : null;
  tables(document);
  drawAll(found(document));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => drawAll(figures));
  addEventListener("beforeprint", () => { root.dataset.print = "yes"; figures.forEach((one) => draw(one)); });
  addEventListener("afterprint", () => { delete root.dataset.print; figures.forEach((one) => draw(one)); });
  matchMedia("print").addEventListener("change", ({ matches }) => matches || drawAll(figures));
  if (loaded) follow(loaded);
})();
