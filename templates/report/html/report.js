"use strict";
// Without this script the page says everything. With it, charts can be read off and tables sorted, filtered, copied.
(() => {
  const element = (name, attributes = {}, ...children) => {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  };

  const shape = (name, attributes, parent) => {
    const made = document.createElementNS(parent.namespaceURI, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    parent.append(made);
    return made;
  };

  // Numbers as the rest of the page prints them: a true minus sign, no needless digits.
  const shown = (value) => {
    const size = Math.abs(value);
    const plain = value === 0 || (size >= 1e-6 && size < 1e15);
    const text = plain
      ? value.toLocaleString("en", { maximumSignificantDigits: size >= 1e4 ? 15 : 6, useGrouping: size >= 1e4 })
      : value.toExponential(3);
    return text.replaceAll("-", "−");
  };

  // ---- charts ----

  const readSeries = (svg) => {
    const [left, top, right, bottom, x0, x1, y0, y1] = svg.dataset.box.split(" ").map(Number);
    const across = (x) => left + ((right - left) * (x - x0)) / (x1 - x0);
    const up = (y) => top + (bottom - top) * (1 - (y - y0) / (y1 - y0));
    return [...svg.querySelectorAll(".series")].map((group) => ({
      group,
      name: group.dataset.name,
      points: group.dataset.values.split(" ").filter(Boolean).map((pair) => {
        const [x, y] = pair.split(",").map(Number);
        return { x, y, px: across(x), py: up(y) };
      }),
    }));
  };

  const nearest = (points, px) => {
    let low = 0;
    let high = points.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (points[middle].px < px) low = middle + 1;
      else high = middle;
    }
    return low > 0 && px - points[low - 1].px < points[low].px - px ? low - 1 : low;
  };

  const chart = (figure) => {
    const svg = figure.querySelector("svg[data-box]");
    const series = readSeries(svg);
    const readout = figure.querySelector(".readout");
    const cursor = shape("line", { class: "cursor", y1: svg.dataset.box.split(" ")[1], y2: svg.dataset.box.split(" ")[3] }, svg);
    const marks = series.map((line) => shape("circle", { class: `spot ${line.group.dataset.side}`, r: 4.5 }, svg));
    const visible = () => series.filter((line) => !line.group.classList.contains("off") && line.points.length);
    let steps = [];
    let at = -1;

    const measure = () => {
      const all = visible().flatMap((line) => line.points.map((point) => point.px));
      steps = [...new Set(all)].sort((one, other) => one - other);
      svg.setAttribute("aria-valuemax", Math.max(steps.length - 1, 0));
    };

    const hide = () => {
      at = -1;
      figure.classList.remove("reading");
      readout.textContent = readout.dataset.hint;
    };

    const show = (step) => {
      if (!steps.length) return;
      at = Math.min(Math.max(step, 0), steps.length - 1);
      figure.classList.add("reading");
      cursor.setAttribute("x1", steps[at]);
      cursor.setAttribute("x2", steps[at]);
      const reach = steps.length > 1 ? (steps.at(-1) - steps[0]) / (steps.length - 1) : Infinity;
      const said = [];
      series.forEach((line, index) => {
        const point = line.points[nearest(line.points, steps[at])];
        const near = visible().includes(line) && Math.abs(point.px - steps[at]) <= reach;
        marks[index].classList.toggle("off", !near);
        if (!near) return;
        marks[index].setAttribute("cx", point.px);
        marks[index].setAttribute("cy", point.py);
        said.push({ name: line.name, point });
      });
      const same = said.every((one) => one.point.x === said[0].point.x);
      const values = said.map((one) => `${one.name} ${shown(one.point.y)}${same ? "" : ` (at ${shown(one.point.x)})`}`);
      const text = `${figure.dataset.x} ${same && said.length ? shown(said[0].point.x) : ""}: ${values.join(", ")}`;
      readout.textContent = text.replace(" :", ":");
      svg.setAttribute("aria-valuenow", at);
      svg.setAttribute("aria-valuetext", text);
    };

    svg.addEventListener("pointermove", (event) => {
      const place = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
      show(nearest(steps.map((px) => ({ px })), place.x));
    });
    svg.addEventListener("pointerleave", hide);
    svg.addEventListener("blur", hide);
    svg.addEventListener("focus", () => { if (at < 0) show(0); });
    svg.addEventListener("keydown", (event) => {
      const moves = { ArrowRight: at + 1, ArrowUp: at + 1, ArrowLeft: at - 1, ArrowDown: at - 1, PageUp: at + 10, PageDown: at - 10, Home: 0, End: steps.length - 1 };
      if (event.key === "Escape") hide();
      else if (event.key in moves) {
        event.preventDefault();
        show(moves[event.key]);
      }
    });
    for (const [name, value] of Object.entries({ role: "slider", tabindex: 0, "aria-valuemin": 0, "aria-valuenow": 0 })) {
      svg.setAttribute(name, value);
    }
    legend(figure, series, () => { hide(); measure(); });
    measure();
    hide();
  };

  const legend = (figure, series, changed) => {
    figure.querySelectorAll(".legend .key").forEach((key, index) => {
      const button = element("button", { type: "button", class: key.className, "aria-pressed": "true" }, key.textContent);
      button.addEventListener("click", () => {
        const off = series[index].group.classList.toggle("off");
        button.setAttribute("aria-pressed", String(!off));
        changed();
      });
      key.replaceWith(button);
    });
  };

  // ---- tables ----

  const text = (cell) => cell.textContent.trim().replace(/\s+/g, " ");

  const value = (cell) => {
    const found = text(cell).replaceAll("−", "-").replaceAll(",", "").match(/^[+-]?(∞|\d+(\.\d+)?(e-?\d+)?)/);
    return found ? Number(found[0].replace("∞", "Infinity")) : NaN;
  };

  const compare = (one, other) => {
    const [first, second] = [value(one), value(other)];
    if (Number.isNaN(first) && Number.isNaN(second)) return text(one).localeCompare(text(other));
    if (Number.isNaN(first) || Number.isNaN(second)) return Number.isNaN(first) ? 1 : -1;
    return first - second;
  };

  const sortable = (table, rows) => {
    const body = table.tBodies[0];
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      if (!text(head)) return;
      const button = element("button", { type: "button", class: "sort" }, ...head.childNodes);
      button.addEventListener("click", () => {
        const next = { none: "ascending", ascending: "descending", descending: "none" }[head.ariaSort ?? "none"];
        heads.forEach((other) => other.removeAttribute("aria-sort"));
        if (next !== "none") head.setAttribute("aria-sort", next);
        const sorted = [...rows].sort((one, other) => compare(one.cells[column], other.cells[column]));
        body.append(...(next === "none" ? rows : next === "ascending" ? sorted : sorted.reverse()));
      });
      head.append(button);
    });
  };

  const filtered = (rows, bar, count) => {
    const search = element("input", { type: "search", autocomplete: "off" });
    const failed = element("input", { type: "checkbox" });
    const apply = () => {
      const wanted = search.value.trim().toLowerCase();
      for (const row of rows) {
        const hit = text(row).toLowerCase().includes(wanted);
        row.hidden = !hit || (failed.checked && row.dataset.state === "pass");
      }
      const left = rows.filter((row) => !row.hidden).length;
      count.textContent = left < rows.length ? `${left} of ${rows.length} rows` : "";
    };
    search.addEventListener("input", apply);
    failed.addEventListener("change", apply);
    if (rows.length > 5) bar.append(element("label", {}, "Filter ", search));
    const states = new Set(rows.map((row) => row.dataset.state));
    if (states.has("pass") && states.size > 1) bar.append(element("label", {}, failed, " only what did not pass"));
  };

  const copy = async (table, said) => {
    const rows = [...table.rows].filter((row) => !row.hidden);
    const lines = rows.map((row) => [...row.cells].map(text).join("\t")).join("\n");
    try {
      await navigator.clipboard.writeText(lines);
    } catch {
      // Where a page may not write to the clipboard by itself, an old command still does.
      const area = element("textarea", {}, lines);
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    said.textContent = `copied ${rows.length - 1} rows`;
  };

  const tools = (table) => {
    const rows = [...table.tBodies[0].rows];
    if (rows.length < 2) return;
    const said = element("span", { class: "quiet", role: "status" });
    const bar = element("div", { class: "tools" });
    filtered(rows, bar, said);
    const button = element("button", { type: "button" }, "Copy as TSV");
    button.addEventListener("click", () => copy(table, said));
    bar.append(button, said);
    table.closest(".wide").before(bar);
    sortable(table, rows);
  };

  document.querySelectorAll("figure.chart").forEach(chart);
  document.querySelectorAll("table.data").forEach(tools);
  window.addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((part) => { part.open = true; }));
})();
