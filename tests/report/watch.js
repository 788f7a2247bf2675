// Put before everything else in a page under test: notes what goes wrong while it loads.
var faults = [];
window.addEventListener("error", function (event) { faults.push("" + event.message); });
document.addEventListener("securitypolicyviolation", function (event) {
  faults.push(event.violatedDirective);
});
