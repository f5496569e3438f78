// Draws the charts of the page in the reader's colour scheme, and again when that changes or the page is printed.
(function () {
  "use strict";
  var PRINT_WIDTH = 670; // of an A4 page between its margins, in CSS pixels
  var themes = JSON.parse(document.getElementById("themes").textContent);
  var dark = window.matchMedia("(prefers-color-scheme: dark)");
  var touch = window.matchMedia("(pointer: coarse)");
  var config = { responsive: true, displayModeBar: false };
  var charts = Array.prototype.map.call(document.querySelectorAll("script[data-chart]"), function (script) {
    var chart = JSON.parse(script.textContent);
    chart.place = document.getElementById(script.dataset.chart);
    return chart;
  });

  function draw(theme, printed) {
    charts.forEach(function (chart) {
      var layout = Object.assign({}, chart.layout, { template: themes[theme] });
      if (printed) {
        layout.width = chart.place.closest(".beside") ? PRINT_WIDTH / 2 - 12 : PRINT_WIDTH;
      }
      if (touch.matches) {
        layout.dragmode = false; // a finger scrolls the page
      }
      window.Plotly.react(chart.place, chart.data, layout, config);
    });
  }

  function drawForScreen() {
    draw(dark.matches ? "dark" : "light", false);
  }

  drawForScreen();
  dark.addEventListener("change", drawForScreen);

  var opened = [];
  window.addEventListener("beforeprint", function () {
    opened = Array.prototype.slice.call(document.querySelectorAll("details:not([open])"));
    opened.forEach(function (details) {
      details.open = true;
    });
    draw("light", true);
  });
  window.addEventListener("afterprint", function () {
    opened.forEach(function (details) {
      details.open = false;
    });
    drawForScreen();
  });
})();
