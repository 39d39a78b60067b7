"use strict";
/* Dark or light: as the system says, until the reader chooses; the choice is kept where the browser allows it. */
function setUpTheme(button) {
  const root = document.documentElement;
  const kept = storedTheme();
  if (kept) root.dataset.theme = kept;
  button.addEventListener("click", () => {
    const system = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
    root.dataset.theme = (root.dataset.theme || system) === "dark" ? "light" : "dark";
    try {
      localStorage.setItem("mlops-stacks-theme", root.dataset.theme);
    } catch {
      return; /* a page opened from a file may have no storage: the choice lasts as long as the page */
    }
  });
}

function storedTheme() {
  try {
    const kept = localStorage.getItem("mlops-stacks-theme");
    return kept === "dark" || kept === "light" ? kept : null;
  } catch {
    return null;
  }
}

/* An element with classes, attributes and children. Texts become text nodes, never markup. */
function element(tag, options = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(options)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "class") made.className = value;
    else if (name === "onclick") made.addEventListener("click", value);
    else made.setAttribute(name, value === true ? "" : String(value));
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}
