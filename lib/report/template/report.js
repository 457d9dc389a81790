// Unpacks plotly.js, draws every figure of the page and says when that is done; lists the headings.
"use strict";
(() => {
  const root = document.documentElement;
  root.classList.add("js");

  // Whatever the notebook asked for: no address to load a map from, no button that sends a figure away.
  const forced = {
    responsive: true,
    displaylogo: false,
    topojsonURL: "about:invalid",
    plotlyServerURL: "about:invalid",
    showSendToCloud: false,
    displayModeBar: false, // a keyboard does not reach its buttons: what it offers lies below the figure
  };

  // The reader's choice of light or dark holds for the next page too, where the browser remembers anything.
  const remembered = (theme) => {
    try {
      if (theme) localStorage.setItem("theme", theme);
      return localStorage.getItem("theme");
    } catch {
      return null;
    }
  };
  const isDark = () => getComputedStyle(root).colorScheme === "dark"
    || (!root.dataset.theme && matchMedia("(prefers-color-scheme: dark)").matches);
  if (remembered()) root.dataset.theme = remembered();

  function letThemeBeChosen() {
    const button = document.querySelector(".theme");
    const name = () => { button.textContent = isDark() ? "Light" : "Dark"; };
    button.addEventListener("click", () => {
      root.dataset.theme = isDark() ? "light" : "dark";
      remembered(root.dataset.theme);
      name();
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", name);
    name();
  }

  const typeSize = (name) => Number(getComputedStyle(root).getPropertyValue(`--type-${name}`));

  const isGauge = (trace) => trace.type === "indicator";

  const isEnd = (annotation) => annotation.name === "end";

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

  // Paper is narrower than a screen: a view box lets print styles scale the drawing as it is.
  function makeScalable(plot) {
    for (const svg of plot.querySelectorAll(".main-svg")) {
      const [width, height] = [svg.getAttribute("width"), svg.getAttribute("height")];
      svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
      plot.style.setProperty("--ratio", `${width} / ${height}`);
    }
  }

  // A phone is narrow and touched: colour scales go below, maps shrink, and a finger scrolls the page.
  function fit(plot, data, layout) {
    delete layout.width;
    layout.autosize = true;
    if (matchMedia("(pointer: coarse)").matches) layout.dragmode = false;
    const width = plot.clientWidth;
    if (width > 560) return;
    layout.font = { ...layout.font, size: typeSize("figure-phone") };
    if (layout.annotations?.some(isEnd)) {
      layout.annotations = layout.annotations.filter((annotation) => !isEnd(annotation));
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

  // One of several panels is shown; a figure that was hidden when the window changed takes its size now.
  function show(box, chosen) {
    box.querySelectorAll(":scope > .panel").forEach((panel, place) => {
      panel.hidden = place !== chosen && chosen >= 0;
      for (const plot of panel.hidden ? [] : panel.querySelectorAll(".drawn .plot")) window.Plotly.Plots.resize(plot);
    });
  }

  const chosen = (box) => [...box.querySelectorAll(".switch input")].findIndex((input) => input.checked);

  function letPanelsBeChosen() {
    for (const box of document.querySelectorAll(".switched")) {
      show(box, chosen(box));
      box.querySelector(".switch").addEventListener("change", () => show(box, chosen(box)));
    }
  }

  // A spreadsheet runs a text that begins like a formula.
  function cell(value) {
    if (typeof value !== "string") return value ?? "";
    return `"${(/^[=+\-@\t\r]/.test(value) ? `'${value}` : value).replaceAll('"', '""')}"`;
  }

  const figureOf = (button) => button.closest(".numbers").previousElementSibling;
  const nameOf = (button) => {
    const number = [...document.querySelectorAll("figure.chart")].indexOf(figureOf(button)) + 1;
    return `${document.title} ${number}`;
  };

  function takeNumbers(button) {
    const { columns, data } = JSON.parse(figureOf(button).querySelector("script").textContent).layout.meta.numbers;
    const lines = [columns, ...data].map((row) => row.map(cell).join(","));
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([`${lines.join("\n")}\n`], { type: "text/csv" }));
    link.download = `${nameOf(button)}.csv`;
    link.click();
    URL.revokeObjectURL(link.href);
  }

  function takePicture(button) {
    const plot = figureOf(button).querySelector(".plot");
    window.Plotly.downloadImage(plot, { format: "png", scale: 2, filename: nameOf(button) });
  }

  // A figure made for a wide screen would be printed with tiny letters.
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
      for (const figure of figures) drawn += await drawOrTell(figure);
    } catch (error) {
      figures.forEach((figure) => figure.classList.add("failed"));
      console.error("figures cannot be drawn:", error);
    }
    letPanelsBeChosen();
    root.dataset.figuresDrawn = drawn;
  }

  async function drawOrTell(figure) {
    try {
      await draw(figure);
      return 1;
    } catch (error) {
      figure.classList.add("failed");
      console.error("a figure cannot be drawn:", error);
      return 0;
    }
  }

  function listHeadings() {
    const headings = [...document.querySelectorAll("main h2")];
    if (headings.length < 3) return;
    const list = document.createElement("nav");
    list.className = "contents";
    list.setAttribute("aria-label", "On this page");
    headings.forEach((heading, number) => {
      heading.id ||= `part-${number + 1}`;
      const link = document.createElement("a");
      link.href = `#${heading.id}`;
      link.textContent = heading.textContent;
      list.append(link);
    });
    document.querySelector("main").before(list);
  }

  function letKeysScroll() {
    for (const box of document.querySelectorAll(".table-scroll, .result")) {
      if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
    }
  }

  addEventListener("beforeprint", () => {
    document.querySelectorAll(".switched").forEach((box) => show(box, -1));
    resizeAll({ width: paperWidth, autosize: false });
  });
  addEventListener("afterprint", () => {
    document.querySelectorAll(".switched").forEach((box) => show(box, chosen(box)));
    resizeAll({ width: null, autosize: true });
  });
  document.addEventListener("DOMContentLoaded", () => {
    listHeadings();
    letKeysScroll();
    letThemeBeChosen();
    for (const [kind, take] of Object.entries({ ".csv": takeNumbers, ".png": takePicture })) {
      document.querySelectorAll(kind).forEach((button) => button.addEventListener("click", () => take(button)));
    }
    document.querySelector(".links [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
    drawAll();
  });
})();
