// Unpacks plotly.js, draws every figure of the page and sets data-figures-drawn when done; marks the section in view; folds and
// sorts tables.
"use strict";
(() => {
  const root = document.documentElement;
  root.classList.add("js");

  // Override the notebook's settings: no address to load a map from, no button that uploads a figure.
  const forced = {
    responsive: true,
    displaylogo: false,
    topojsonURL: "about:invalid",
    plotlyServerURL: "about:invalid",
    showSendToCloud: false,
    displayModeBar: false, // its buttons cannot be reached by keyboard; downloads are below the figure
  };

  // The choice of light or dark is kept in localStorage, if the browser allows it for local files.
  const storedTheme = (theme) => {
    try {
      if (theme) localStorage.setItem("theme", theme);
      return localStorage.getItem("theme");
    } catch {
      return null;
    }
  };
  const isDark = () => getComputedStyle(root).colorScheme === "dark"
    || (!root.dataset.theme && matchMedia("(prefers-color-scheme: dark)").matches);
  if (storedTheme()) root.dataset.theme = storedTheme();

  function enableThemeButton() {
    const button = document.querySelector(".theme");
    const relabel = () => { button.textContent = isDark() ? "Light" : "Dark"; };
    button.addEventListener("click", () => {
      root.dataset.theme = isDark() ? "light" : "dark";
      storedTheme(root.dataset.theme);
      relabel();
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", relabel);
    relabel();
  }

  const typeSize = (name) => Number(getComputedStyle(root).getPropertyValue(`--type-${name}`));

  const isGauge = (trace) => trace.type === "indicator";

  const isLineEnd = (annotation) => annotation.name === "end";

  async function unpack(id) {
    const packed = atob(document.getElementById(id).textContent);
    const bytes = new Uint8Array(packed.length);
    for (let i = 0; i < packed.length; i += 1) bytes[i] = packed.charCodeAt(i);
    return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
  }

  async function loadPlotly() {
    if (document.getElementById("world")) {
      window.PlotlyGeoAssets = { topojson: { world_50m: JSON.parse(await unpack("world")) } };
      window.PlotlyGeoAssets.topojson.world_110m = window.PlotlyGeoAssets.topojson.world_50m;
    }
    const script = document.createElement("script");
    script.textContent = await unpack("plotly");
    document.head.append(script);
    script.remove();
    if (!window.Plotly) throw new Error("plotly.js did not start");
  }

  // Paper is narrower than a screen: with a view box, print styles can scale the drawing.
  function makeScalable(plot) {
    for (const svg of plot.querySelectorAll(".main-svg")) {
      const [width, height] = [svg.getAttribute("width"), svg.getAttribute("height")];
      svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
      plot.style.setProperty("--ratio", `${width} / ${height}`);
    }
  }

  // On a phone, colour scales move below the figure, maps shrink, names at line ends become a legend, those below many
  // bars turn, and touch scrolls the page instead of zooming the figure.
  function fit(plot, data, layout) {
    delete layout.width;
    Object.assign(layout, { paper_bgcolor: "transparent", plot_bgcolor: "transparent" }); // the page's own
    layout.autosize = true;
    if (matchMedia("(pointer: coarse)").matches) layout.dragmode = false;
    const width = plot.clientWidth;
    if (width > 560) return;
    layout.font = { ...layout.font, size: typeSize("figure-phone") };
    if (layout.annotations?.some(isLineEnd)) {
      layout.annotations = layout.annotations.filter((annotation) => !isLineEnd(annotation));
      layout.showlegend = true;
      layout.margin.r = 16;
    }
    const below = { orientation: "h", x: 0.5, xanchor: "center", y: -0.12, yanchor: "top", len: 1, thickness: 10 };
    for (const scaled of [...data, layout.coloraxis]) {
      if (scaled?.colorbar) Object.assign(scaled.colorbar, below);
    }
    if (data.some(isGauge)) {
      Object.assign(layout.margin, { l: 44, r: 44 });
      layout.height = Math.round(width * 0.5);
      plot.style.minHeight = `${layout.height}px`;
      layout.annotations.forEach((annotation) => { annotation.font.size = typeSize("value-phone"); });
    }
    // Names below more than six bars would overlap.
    if (data.some((trace) => trace.type === "waterfall" && trace.x.length > 6)) layout.xaxis.tickangle = -60;
    if (layout.geo) {
      layout.height = Math.round(width * 0.55) + 90;
      plot.style.minHeight = `${layout.height}px`;
    }
  }

  async function draw(figure) {
    const { data, layout = {}, config = {} } = JSON.parse(figure.querySelector("script").textContent);
    const plot = figure.querySelector(".plot");
    Object.assign(config, forced);
    fit(plot, data, layout);
    await window.Plotly.newPlot(plot, data, layout, config);
    makeScalable(plot);
    plot.on("plotly_afterplot", () => makeScalable(plot));
    figure.classList.add("drawn");
  }

  // Show one panel, or all for -1. A figure that was hidden when the window was resized is resized now.
  function show(box, chosen) {
    box.querySelectorAll(":scope > .panel").forEach((panel, place) => {
      panel.hidden = place !== chosen && chosen >= 0;
      for (const plot of panel.hidden ? [] : panel.querySelectorAll(".drawn .plot")) window.Plotly.Plots.resize(plot);
    });
  }

  const chosen = (box) => [...box.querySelectorAll(".switch input")].findIndex((input) => input.checked);

  function enableSwitches() {
    for (const box of document.querySelectorAll(".switched")) {
      show(box, chosen(box));
      box.querySelector(".switch").addEventListener("change", () => show(box, chosen(box)));
    }
  }

  // Prefix text that a spreadsheet would run as a formula.
  function csvCell(value) {
    if (typeof value !== "string") return value ?? "";
    return `"${(/^[=+\-@\t\r]/.test(value) ? `'${value}` : value).replaceAll('"', '""')}"`;
  }

  const figureOf = (button) => button.closest(".numbers").previousElementSibling;
  const fileNameOf = (button) => {
    const number = [...document.querySelectorAll("figure.chart")].indexOf(figureOf(button)) + 1;
    return `${document.title} ${number}`;
  };

  function downloadCsv(button) {
    const { columns, data } = JSON.parse(figureOf(button).querySelector("script").textContent).layout.meta.numbers;
    const lines = [columns, ...data].map((row) => row.map(csvCell).join(","));
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([`${lines.join("\n")}\n`], { type: "text/csv" }));
    link.download = `${fileNameOf(button)}.csv`;
    link.click();
    URL.revokeObjectURL(link.href);
  }

  function downloadPng(button) {
    const plot = figureOf(button).querySelector(".plot");
    window.Plotly.downloadImage(plot, { format: "png", scale: 2, filename: fileNameOf(button) });
  }

  // A figure laid out for a wide screen would be printed with tiny text.
  const paperWidth = 760;
  function resizeAll(size) {
    for (const plot of document.querySelectorAll(".drawn .plot")) {
      if (plot.clientWidth > paperWidth || size.autosize) window.Plotly.relayout(plot, size);
    }
  }

  async function drawAll() {
    const figures = [...document.querySelectorAll("figure.chart")];
    let drawn = 0;
    try {
      if (figures.length) await loadPlotly();
      for (const figure of figures) drawn += await tryDraw(figure);
    } catch (error) {
      figures.forEach((figure) => figure.classList.add("failed"));
      console.error("figures cannot be drawn:", error);
    }
    enableSwitches();
    showTarget();
    addEventListener("hashchange", showTarget);
    root.dataset.figuresDrawn = drawn;
  }

  async function tryDraw(figure) {
    try {
      await draw(figure);
      return 1;
    } catch (error) {
      figure.classList.add("failed");
      console.error("a figure cannot be drawn:", error);
      return 0;
    }
  }

  // Mark the section in view in the table of contents: the last whose heading is above the middle of the window.
  function followSections() {
    const links = [...document.querySelectorAll(".contents a")];
    const headings = links.map((link) => document.getElementById(link.hash.slice(1)));
    const mark = () => {
      const current = Math.max(0, headings.findLastIndex((h) => h.getBoundingClientRect().top < innerHeight / 2));
      links.forEach((link, place) => { link.ariaCurrent = place === current ? "true" : null; });
    };
    if (!links.length) return;
    addEventListener("scroll", mark, { passive: true });
    mark();
  }

  // A figure behind a switch is shown when an address leads to it.
  function showTarget() {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const panel = target?.closest(".panel");
    if (!panel?.hidden) return;
    const panels = [...panel.parentElement.querySelectorAll(":scope > .panel")];
    panel.parentElement.querySelectorAll(".switch input")[panels.indexOf(panel)].click();
    target.scrollIntoView();
  }

  const foldedRows = 10;
  const toleratedRows = 2; // a button for one or two more rows would save nothing

  function foldTables() {
    for (const table of document.querySelectorAll("main :not(.numbers) > .table-scroll > .data")) {
      const rows = table.tBodies[0].rows.length;
      if (rows <= foldedRows + toleratedRows) continue;
      const button = document.createElement("button");
      button.type = "button";
      button.className = "unfold";
      const relabel = () => {
        const folded = table.classList.contains("folded");
        button.textContent = folded ? `Show all ${rows} rows` : `Show the first ${foldedRows} rows`;
        button.setAttribute("aria-expanded", !folded);
      };
      table.classList.add("folded");
      button.addEventListener("click", () => { table.classList.toggle("folded"); relabel(); });
      table.parentElement.after(button);
      relabel();
    }
  }

  const isDay = /^\d{4}-|[a-z]/i; // not 03.06.2025, which a browser reads as March 6

  // A cell as a number or a day where its column has them, else its text; NaN for a missing value.
  function sortKey(cell) {
    const text = cell.textContent.trim();
    if (cell.classList.contains("date")) return isDay.test(text) ? Date.parse(text) : NaN;
    if (!cell.classList.contains("num")) return text;
    const mark = root.dataset.decimalMark;
    const digits = [...text.replace("\u2212", "-")].filter((sign) => /[\d-]/.test(sign) || sign === mark).join("");
    return digits ? Number(digits.replace(mark, ".")) : NaN;
  }

  function compare(a, b) {
    if (typeof a === "string") return a.localeCompare(b);
    return a - b;
  }

  function sortBy(table, heading) {
    const ascending = heading.ariaSort === "descending" || (!heading.ariaSort && !heading.classList.contains("num"));
    const keyed = [...table.tBodies[0].rows].map((row) => [sortKey(row.cells[heading.cellIndex]), row]);
    const missing = keyed.filter(([key]) => Number.isNaN(key));
    const known = keyed.filter(([key]) => !Number.isNaN(key));
    known.sort(([a], [b]) => (ascending ? compare(a, b) : compare(b, a)));
    table.tBodies[0].append(...[...known, ...missing].map(([, row]) => row));
    for (const other of heading.parentElement.cells) other.removeAttribute("aria-sort");
    heading.ariaSort = ascending ? "ascending" : "descending";
  }

  // Headings of tables of a few rows become buttons; days that the browser cannot read stay in their order.
  function enableSorting() {
    for (const table of document.querySelectorAll("main .data")) {
      const rows = [...table.tBodies[0].rows];
      if (rows.length < 3 || !table.tHead) continue;
      for (const heading of table.tHead.rows[0].cells) {
        const keys = rows.map((row) => sortKey(row.cells[heading.cellIndex]));
        if (!heading.textContent.trim() || keys.every(Number.isNaN)) continue;
        const button = document.createElement("button");
        button.type = "button";
        button.className = "sort";
        button.append(...heading.childNodes);
        button.addEventListener("click", () => sortBy(table, heading));
        heading.append(button);
      }
    }
  }

  function enableKeyboardScrolling() {
    for (const box of document.querySelectorAll(".table-scroll, .result")) {
      if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
    }
  }

  let unfolded = [];
  addEventListener("beforeprint", () => {
    unfolded = [...document.querySelectorAll(".about:not([open])")];
    unfolded.forEach((about) => { about.open = true; });
    document.querySelectorAll(".switched").forEach((box) => show(box, -1));
    resizeAll({ width: paperWidth, autosize: false });
  });
  addEventListener("afterprint", () => {
    unfolded.forEach((about) => { about.open = false; });
    document.querySelectorAll(".switched").forEach((box) => show(box, chosen(box)));
    resizeAll({ width: null, autosize: true });
  });
  document.addEventListener("DOMContentLoaded", () => {
    followSections();
    enableSorting();
    foldTables();
    enableKeyboardScrolling();
    enableThemeButton();
    for (const [selector, download] of Object.entries({ ".csv": downloadCsv, ".png": downloadPng })) {
      document.querySelectorAll(selector).forEach((button) => button.addEventListener("click", () => download(button)));
    }
    document.querySelector(".links [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
    drawAll();
  });
})();
