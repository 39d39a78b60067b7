/* Draws a layout and lets one walk through it. `actions` are what a reader can do: select, toggle, toggleScope. */
const SVG = "http://www.w3.org/2000/svg";

function createGraph(holder, model, actions) {
  const canvas = element("div", { class: "canvas", role: "tree", "aria-label": "Resources by scope and stage" });
  holder.append(canvas);
  const graph = { canvas, cards: new Map(), lines: [], order: [], focused: -1 };
  canvas.addEventListener("keydown", (event) => walk(graph, model, actions, event));
  canvas.addEventListener("pointerover", (event) => trace(graph, model, idAt(event.target)));
  canvas.addEventListener("pointerleave", () => trace(graph, model, graph.traced ?? -1));
  canvas.addEventListener("focusin", (event) => trace(graph, model, idAt(event.target)));
  canvas.addEventListener("click", (event) => {
    const id = idAt(event.target);
    if (id >= 0) actions.choose(id);
  });
  return graph;
}

function idAt(target) {
  const card = target.closest ? target.closest(".node") : null;
  return card ? Number(card.dataset.id) : -1;
}

function drawGraph(graph, model, layout, state, actions) {
  const hadFocus = graph.canvas.contains(document.activeElement);
  const { canvas } = graph;
  graph.cards.clear();
  graph.order = [...layout.cells.values()].sort((a, b) => a.y - b.y || a.x - b.x).map((cell) => cell.node.id);
  if (!layout.cells.has(graph.focused)) graph.focused = layout.cells.has(state.selected) ? state.selected : graph.order[0];
  canvas.className = `canvas${layout.compact ? " compact" : ""}${layout.edges.length > 160 ? " dense" : ""}`;
  canvas.style.width = `${layout.width}px`;
  canvas.style.height = `${layout.height}px`;
  canvas.replaceChildren(
    ...layout.lanes.map((lane) => laneBox(lane, layout)),
    ...layout.frames.map((frame) => frameBox(frame, layout)),
    lines(graph, layout, model),
    ...layout.bands.map((band) => bandHeading(band, layout, actions)),
    ...[...layout.cells.values()].map((cell) => card(graph, cell, state, model)),
  );
  graph.traced = layout.cells.has(state.selected) && state.trace ? state.selected : -1;
  trace(graph, model, graph.traced);
  if (hadFocus) focusCard(graph, graph.focused);
}

function bandHeading(band, layout, actions) {
  const resources = Object.values(band.scope.counts).reduce((sum, count) => sum + count, 0);
  const button = element(
    "button",
    { type: "button", "aria-expanded": String(band.open), "data-scope": band.scope.name, onclick: () => actions.toggleScope(band.scope.name) },
    element("span", { class: "chevron" }), band.scope.name,
  );
  const stack = element("span", { class: "muted" }, `stack ${band.scope.stack}, ${counted(resources, "resource")}`);
  const box = element("div", { class: "band", role: "none" }, button, stack);
  const first = layout.rows[band.first];
  box.style.top = `${first.top - first.before + 4}px`;
  return box;
}

function laneBox(lane, layout) {
  const { scope, stage } = lane;
  const first = layout.rows[lane.first];
  const title = element("div", {}, stage.replaceAll("_", " "));
  const platforms = (scope.platforms[stage] || []).join(", ");
  const count = scope.counts[stage] ? counted(scope.counts[stage], "resource") : "targets and links";
  title.append(element("small", {}, [platforms, count].filter(Boolean).join(" · ")));
  const box = element("div", { class: `lane stage-${stage}`, role: "none", "data-stage": stage, "data-scope": scope.name }, title);
  box.style.top = `${first.top}px`;
  box.style.height = `${layout.rows[lane.last].bottom - first.top}px`;
  return box;
}

function frameBox(frame, layout) {
  const box = element("div", { class: `frame stage-${frame.node.stage}`, role: "none" });
  const header = layout.cells.get(frame.node.id);
  const last = layout.rows[frame.last];
  box.style.left = `${frame.left}px`;
  box.style.width = `${frame.right - frame.left}px`;
  box.style.top = `${header.y - 8}px`;
  box.style.height = `${last.y + last.height + frame.depth - 2 - header.y + 8}px`;
  return box;
}

function card(graph, cell, state, model) {
  const { node } = cell;
  const open = state.isOpen(node);
  const made = element(
    "div",
    {
      class: `node ${node.kind} stage-${node.stage}`, role: "treeitem", id: `r-${node.id}`, "data-id": node.id,
      tabindex: graph.focused === node.id ? 0 : -1, "aria-level": ancestors(model, node).length + 1,
      "aria-expanded": node.children.length ? String(open) : null, "aria-selected": String(state.selected === node.id),
      "aria-label": spoken(node), title: `${node.name}\n${node.type}${node.physical ? `\n${node.physical}` : ""}`,
    },
    element(
      "div", { class: "top" },
      node.children.length ? element("span", { class: "chevron" }) : null,
      element("span", { class: "name" }, node.label),
      node.marks.includes("protected") || node.marks.includes("retained") ? padlock() : null,
      node.worst ? element("span", { class: `flag ${node.worst}` }, node.worst === "info" ? "i" : "!") : null,
      node.children.length ? element("span", { class: "count" }, String(node.size)) : null,
    ),
    cell.height > HEADER ? element("div", { class: "type" }, node.physical && node.kind !== "component" ? `${node.type} · ${node.physical}` : node.type) : null,
  );
  Object.assign(made.style, { left: `${cell.x}px`, top: `${cell.y}px`, width: `${cell.width}px`, height: `${cell.height}px` });
  graph.cards.set(node.id, made);
  return made;
}

function spoken(node) {
  const parts = [node.name, node.type, ...node.marks];
  if (node.children.length) parts.push(counted(node.size, "resource"));
  if (node.worst) parts.push(`has a finding: ${node.worst}`);
  return parts.join(", ");
}

function padlock() {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 12 12");
  svg.setAttribute("class", "lock");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", "M3.2 5V3.6a2.8 2.8 0 0 1 5.6 0V5H10v6.5H2V5zm1.4 0h2.8V3.6a1.4 1.4 0 0 0-2.8 0z");
  svg.append(path);
  return svg;
}

function lines(graph, layout, model) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("width", layout.width);
  svg.setAttribute("height", layout.height);
  svg.setAttribute("aria-hidden", "true");
  graph.quiet = document.createElementNS(SVG, "g");
  graph.quiet.setAttribute("class", "quiet");
  graph.lit = document.createElementNS(SVG, "g");
  svg.append(graph.quiet, graph.lit);
  graph.lines = layout.edges.map((edge) => {
    const stage = model.nodes[edge.source].stage;
    const line = document.createElementNS(SVG, "path");
    line.setAttribute("d", pathOf(edge.points));
    line.setAttribute("class", `edge stage-${stage}`);
    if (edge.count > 1) line.style.strokeWidth = String(Math.min(3.2, 1.2 + Math.log2(edge.count) * 0.35));
    const tip = document.createElementNS(SVG, "path");
    const [x, y] = edge.points[edge.points.length - 1];
    const back = edge.below ? 6 : -6;
    tip.setAttribute("d", edge.aside ? `M${x} ${y}l-6 -3.4v6.8z` : `M${x} ${y}l-3.4 ${back}h6.8z`);
    tip.setAttribute("class", `tip stage-${stage}`);
    graph.quiet.append(line, tip);
    return { ...edge, line, tip };
  });
  return svg;
}

/* Shows what a card, or what an open component holds, needs and what needs it, near and far. */
function trace(graph, model, id) {
  const starts = id < 0 ? [] : [...graph.cards.keys()].filter((other) => other === id || isInside(model, other, id));
  const from = new Set(starts);
  const shown = graph.lines.some((line) => from.has(line.source) || from.has(line.target));
  graph.canvas.classList.toggle("tracing", shown);
  const [forward, backward] = [new Map(), new Map()];
  for (const { source, target } of graph.lines) {
    forward.set(source, [...(forward.get(source) || []), target]);
    backward.set(target, [...(backward.get(target) || []), source]);
  }
  const down = reach(shown ? starts : [], forward);
  const up = reach(shown ? starts : [], backward);
  for (const [other, made] of graph.cards) {
    const inside = from.has(other);
    made.classList.toggle("on", down.has(other) || up.has(other));
    made.classList.toggle("up", up.has(other) && !inside);
    made.classList.toggle("down", down.has(other) && !inside);
    made.classList.toggle("far", (down.get(other) ?? up.get(other)) > 1);
  }
  for (const each of graph.lines) {
    const within = from.has(each.source) && from.has(each.target);
    const isDown = !within && down.has(each.source) && down.has(each.target);
    const isUp = !within && up.has(each.source) && up.has(each.target);
    for (const part of [each.line, each.tip]) {
      part.classList.toggle("down", isDown && !isUp);
      part.classList.toggle("up", isUp);
      part.classList.toggle("direct", !within && (from.has(each.source) || from.has(each.target)));
    }
    (isDown || isUp || (shown && within) ? graph.lit : graph.quiet).append(each.line, each.tip);
  }
}

/* Arrow keys, as in any tree. */
function walk(graph, model, actions, event) {
  const id = idAt(event.target);
  if (id < 0) return;
  const node = model.nodes[id];
  const at = graph.order.indexOf(id);
  const isOpen = event.target.getAttribute("aria-expanded") === "true";
  const go = {
    ArrowDown: () => focusCard(graph, graph.order[at + 1]),
    ArrowUp: () => focusCard(graph, graph.order[at - 1]),
    Home: () => focusCard(graph, graph.order[0]),
    End: () => focusCard(graph, graph.order[graph.order.length - 1]),
    ArrowRight: () => (node.children.length && !isOpen ? actions.toggle(id) : focusCard(graph, graph.order[at + 1])),
    ArrowLeft: () => (isOpen ? actions.toggle(id) : focusCard(graph, node.parent >= 0 ? node.parent : graph.order[at - 1])),
    Enter: () => actions.choose(id),
    " ": () => actions.choose(id),
  }[event.key];
  if (!go) return;
  event.preventDefault();
  go();
}

function focusCard(graph, id) {
  const made = graph.cards.get(id);
  if (!made) return;
  graph.cards.get(graph.focused)?.setAttribute("tabindex", "-1");
  graph.focused = id;
  made.setAttribute("tabindex", "0");
  made.focus({ preventScroll: true });
  made.scrollIntoView({ block: "nearest", inline: "nearest" });
}

function counted(number, word) {
  return `${number} ${word}${number === 1 ? "" : "s"}`;
}
