// Draws the options that the page carries as data. Colours and fonts come from the theme, numbers from the language.
(() => {
  const root = document.documentElement;
  const drawn = new Map();
  const still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;

  const token = (name) => getComputedStyle(root).getPropertyValue(name).trim();

  const formatter = (format, compact) => {
    const options = compact
      ? { notation: "compact", maximumFractionDigits: 1 }
      : { maximumFractionDigits: format.style === "money" ? 2 : 0 };
    if (format.style === "ratio") Object.assign(options, { style: "percent", maximumFractionDigits: 2 });
    if (format.style === "money") {
      Object.assign(options, { style: "currency", currency: format.currency });
      if (!compact) delete options.maximumFractionDigits;
    }
    const numbers = new Intl.NumberFormat(root.lang, options);
    return (value) => (value === null || value === undefined ? "–" : numbers.format(value));
  };

  const seriesOf = (series, colour, quiet) => {
    const { area, quiet: isQuiet, ...rest } = series;
    const tint = isQuiet ? quiet : colour;
    const found = {
      ...rest,
      color: tint,
      z: isQuiet ? 1 : 3,
      connectNulls: false,
      emphasis: { focus: "none" },
      animation: !still,
    };
    if (rest.type === "line") {
      found.lineStyle = { ...rest.lineStyle, color: tint };
      if (!isQuiet) {
        // The line names itself at its end; a legend would have to be looked up.
        found.endLabel = { show: true, formatter: "{a}", color: tint, fontSize: 12, fontWeight: 600, distance: 6 };
        found.labelLayout = { moveOverlap: "shiftY" };
      }
      if (area) found.areaStyle = { color: tint, opacity: 0.1 };
    } else {
      found.itemStyle = { color: tint, borderRadius: [2, 2, 0, 0] };
    }
    return found;
  };

  const optionOf = (source) => {
    const ink = token("--ink");
    const muted = token("--muted");
    const line = token("--line");
    const quiet = token("--quiet");
    const font = getComputedStyle(document.body).fontFamily;
    const full = formatter(source.format, false);
    const short = formatter(source.format, true);
    const lines = source.series.some((s) => s.type === "line" && !s.quiet);
    let place = 0;
    const series = source.series.map((s) => {
      if (!s.quiet) place += 1;
      return seriesOf(s, token(`--chart-${((place - 1) % 6) + 1}`), quiet);
    });
    return {
      aria: { enabled: true },
      textStyle: { fontFamily: font, color: ink },
      grid: { left: 4, right: lines ? 76 : 8, top: series.length > 1 ? 34 : 10, bottom: 2, containLabel: true },
      legend: { show: series.length > 1, top: 0, left: 0, icon: "roundRect", itemWidth: 12, itemHeight: 4,
        textStyle: { color: muted, fontSize: 12 } },
      tooltip: { trigger: "axis", confine: true, valueFormatter: full, backgroundColor: token("--surface"),
        borderColor: line, textStyle: { color: ink, fontSize: 13 }, axisPointer: { lineStyle: { color: muted } } },
      xAxis: { ...source.xAxis, axisTick: { show: false }, axisLine: { lineStyle: { color: line } },
        axisLabel: { color: muted, fontSize: 12, hideOverlap: true } },
      yAxis: { ...source.yAxis, splitNumber: 4, splitLine: { lineStyle: { color: line } },
        axisLabel: { color: muted, fontSize: 12, formatter: short } },
      series,
    };
  };

  const draw = (box) => {
    const data = box.querySelector('script[type="application/json"]');
    if (!data || !window.echarts) return;
    const source = JSON.parse(data.textContent);
    let stage = box.querySelector(".chart-stage");
    if (!stage) {
      box.querySelector(".skeleton")?.remove();
      stage = document.createElement("div");
      stage.className = "chart-stage";
      box.append(stage);
    }
    const chart = drawn.get(box) ?? window.echarts.init(stage, null, { renderer: "canvas" });
    chart.setOption(optionOf(source), { notMerge: true });
    if (!drawn.has(box)) new ResizeObserver(() => chart.resize()).observe(stage);
    drawn.set(box, chart);
    box.dataset.drawn = "true";
  };

  const drawAll = () => document.querySelectorAll("[data-chart]").forEach(draw);
  drawAll();
  root.addEventListener("themechange", drawAll);
  document.body.addEventListener("htmx:afterSwap", drawAll);
})();
