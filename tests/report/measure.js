// Put at the end of a page under test: chooses each resource in turn, measures, and leaves what it
// found in the page, or in the one whose frame it is in, as JSON between two marks.
function widths(selector) {
  return Array.from(document.querySelectorAll(selector)).map(function (bar) {
    return bar.getBoundingClientRect().width;
  });
}

var found = {
  faults: faults,
  requests: performance.getEntriesByType("resource").map(function (entry) { return entry.name; }),
  window: window.innerWidth,
  page: document.documentElement.scrollWidth,
  layers: widths("#widths .bar"),
  curves: document.querySelectorAll("#training polyline, #curves polyline").length,
  networks: document.querySelectorAll("#summary tbody tr, #results tbody tr").length,
  unlabelled: document.querySelectorAll("svg[role=img]:not([aria-label])").length,
  tips: document.querySelectorAll("#widths [data-tip]").length,
  costs: []
};

document.querySelectorAll("#costs input").forEach(function (input) {
  input.click();
  var visible = input.nextElementSibling.nextElementSibling;
  found.costs.push({
    shown: visible.getBoundingClientRect().height,
    bars: Array.from(visible.querySelectorAll(".bar")).map(function (bar) {
      return bar.getBoundingClientRect().width;
    })
  });
});

found.cut = Array.from(document.querySelectorAll("#widths .figures, #widths .label"))
  .filter(function (text) {
    var box = text.getBoundingClientRect();
    return Math.max(-box.left, box.right - window.innerWidth) > 0;
  }).length;

var out = top.document.createElement("pre");
out.textContent = "FOUND" + JSON.stringify(found) + "DNUOF";
top.document.body.appendChild(out);
