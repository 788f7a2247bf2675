// Put before everything else in a page under test: notes the script errors while it loads.
var faults = [];
window.addEventListener("error", function (event) { faults.push("" + event.message); });
