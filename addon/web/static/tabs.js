// Makes tabs of examples in several languages; the chosen language holds for all, and is remembered.

const KEY = "docs-language";

const groups = [...document.querySelectorAll(".tabs")];
groups.forEach((group, number) => {
  const panels = [...group.querySelectorAll(".tab")];
  const list = document.createElement("div");
  list.className = "tab-list";
  list.setAttribute("role", "tablist");
  list.setAttribute("aria-label", "Language");
  const tabs = panels.map((panel, at) => {
    const tab = document.createElement("button");
    tab.type = "button";
    tab.textContent = panel.getAttribute("aria-label");
    tab.id = `tab-${number}-${at}`;
    tab.setAttribute("role", "tab");
    panel.id = `tab-panel-${number}-${at}`;
    panel.setAttribute("role", "tabpanel");
    panel.setAttribute("aria-labelledby", tab.id);
    panel.removeAttribute("aria-label");
    tab.setAttribute("aria-controls", panel.id);
    tab.addEventListener("click", () => choose(tab));
    return tab;
  });
  list.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const next = tabs[(tabs.indexOf(document.activeElement) + step + tabs.length) % tabs.length];
    choose(next);
    next.focus();
    event.preventDefault();
  });
  list.append(...tabs);
  group.prepend(list);
  group.classList.add("in-tabs");
});

function show(language) {
  for (const group of groups) {
    const tabs = [...group.querySelectorAll("[role=tab]")];
    const chosen = tabs.find((tab) => tab.textContent === language) || tabs[0];
    for (const tab of tabs) {
      tab.setAttribute("aria-selected", String(tab === chosen));
      tab.tabIndex = tab === chosen ? 0 : -1;
      document.getElementById(tab.getAttribute("aria-controls")).hidden = tab !== chosen;
    }
  }
}

// What is above the tab changes its height too: the tab stays where the reader has it.
function choose(tab) {
  const before = tab.getBoundingClientRect().top;
  show(tab.textContent);
  window.scrollBy(0, tab.getBoundingClientRect().top - before);
  try {
    localStorage.setItem(KEY, tab.textContent);
  } catch {
    // Not remembered where a browser keeps nothing.
  }
}

let known = null;
try {
  known = localStorage.getItem(KEY);
} catch {
  // As above.
}
show(known);
