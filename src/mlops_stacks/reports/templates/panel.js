/* The side panel: everything that the plan knows of one resource. */
const TOKEN = /\$\{(urn:[^#{}]*)#([^{}#]*)\}/g;

function showPanel(side, model, id, actions) {
  const node = model.nodes[id];
  side.replaceChildren(...(node ? details(model, node, actions) : introduction()));
  side.classList.toggle("open", Boolean(node));
  side.scrollTop = 0;
}

function introduction() {
  const key = (name) => element("kbd", {}, name);
  return [
    element("h2", {}, "How to read this"),
    element("p", { class: "muted" }, "Each band is a scope: one stack. Each lane is a stage. A line runs from what is needed down to what needs it."),
    element(
      "div", { class: "legend" },
      element("div", {}, legendLine("--up"), "what the resource under the pointer needs"),
      element("div", {}, legendLine("--down"), "what needs it"),
      element("div", {}, "A number is how many resources a component holds; click it to open or close it."),
      element("div", {}, "A padlock: ", element("code", {}, "destroy"), " refuses to delete it, or leaves it there."),
      element("div", {}, key("/"), " search, ", key("←"), " ", key("→"), " close and open, ", key("↑"), " ", key("↓"), " walk, ", key("Esc"), " back"),
    ),
  ];
}

function legendLine(colour) {
  const line = element("i", {});
  line.style.borderColor = `var(${colour})`;
  return line;
}

function details(model, node, actions) {
  const facts = element("dl", {});
  const fact = (name, value) => value && facts.append(element("dt", {}, name), element("dd", {}, value));
  fact("type", element("code", {}, node.token));
  fact("named", node.physical && element("code", {}, node.physical));
  fact("stage", node.stage.replaceAll("_", " "));
  fact("scope", node.scope);
  fact("platform", node.platform);
  fact("special", node.marks.join(", "));
  fact("part of", node.parent >= 0 && linkTo(model, node.parent, actions));
  fact("source", node.source && element("code", {}, node.source));
  return [
    element("button", { type: "button", class: "close", onclick: () => actions.choose(-1), "aria-label": "Close the details" }, "Close"),
    element("h2", {}, node.name),
    facts,
    ...part("Findings", node.findings.map(findingLine)),
    ...part("Inputs", Object.keys(node.inputs).length ? [jsonView(model, node.inputs, actions)] : []),
    ...part("Options", Object.keys(node.options).length ? [jsonView(model, node.options, actions)] : []),
    ...part(`Needs ${node.needs.length || ""}`, links(model, node.needs, actions)),
    ...part(`Needed by ${node.dependents.length || ""}`, links(model, node.dependents, actions)),
    ...part("Holds", links(model, node.children.map((child) => child.id), actions)),
    element("h3", {}, "URN"),
    element("code", { class: "json" }, node.urn),
  ];
}

function part(title, content) {
  return content.length ? [element("h3", {}, title), ...content] : [];
}

function findingLine(finding) {
  return element(
    "p", {}, element("span", { class: `pill ${finding.severity}` }, finding.severity), ` ${finding.message}; `,
    element("span", { class: "muted" }, finding.fix),
  );
}

function links(model, ids, actions) {
  return ids.length ? [element("ul", {}, ...ids.map((id) => element("li", {}, linkTo(model, id, actions))))] : [];
}

function linkTo(model, id, actions) {
  const node = model.nodes[id];
  const name = element("span", {}, node.name);
  return element("button", { type: "button", class: "link", onclick: () => actions.reveal(id) }, name, element("span", {}, node.type));
}

/* JSON with colours; a text that is itself a JSON document is shown as one, a reference as a link. */
function jsonView(model, value, actions) {
  return element("div", { class: "json" }, ...members(model, value, actions));
}

function members(model, value, actions) {
  const entries = Array.isArray(value) ? value.map((item) => ["–", item]) : Object.entries(value);
  return entries.map(([name, item]) => member(model, name, item, actions));
}

function member(model, name, item, actions) {
  const key = element("span", { class: "key" }, name);
  const inner = nested(item);
  if (inner === null) return element("div", { class: "row" }, key, " ", scalar(model, item, actions));
  const size = Object.keys(inner).length;
  const what = typeof item === "string" ? "document" : Array.isArray(inner) ? counted(size, "item") : counted(size, "key");
  const content = element("div", { class: "nest" }, ...members(model, inner, actions));
  return element("details", { open: size > 0 && JSON.stringify(inner).length < 600 }, element("summary", {}, key, ` ${what}`), content);
}

function nested(item) {
  if (item !== null && typeof item === "object") return item;
  if (typeof item !== "string" || !/^\s*[[{]/.test(item) || item.length > 200000) return null;
  try {
    const read = JSON.parse(item);
    return read !== null && typeof read === "object" ? read : null;
  } catch {
    return null; /* it only looks like a document */
  }
}

function scalar(model, item, actions) {
  if (typeof item !== "string") return element("span", { class: typeof item === "number" ? "number" : "word" }, String(item));
  if (item === "[secret]" || item === "[unknown]") return element("span", { class: "secret" }, item.slice(1, -1));
  const named = item.startsWith("urn:pulumi:") ? model.nodes.find((node) => node.urn === item) : undefined;
  if (named) return element("button", { type: "button", class: "token", onclick: () => actions.reveal(named.id) }, named.name);
  const shown = element("span", { class: "string" });
  let last = 0;
  for (const match of item.matchAll(TOKEN)) {
    shown.append(item.slice(last, match.index), token(model, match[1], match[2], actions));
    last = match.index + match[0].length;
  }
  shown.append(item.slice(last));
  return shown;
}

function token(model, urn, output, actions) {
  const target = model.nodes.find((node) => node.urn === urn);
  const text = `${output} of ${urn.split("::").pop()}`;
  return target ? element("button", { type: "button", class: "token", onclick: () => actions.reveal(target.id) }, text) : text;
}
