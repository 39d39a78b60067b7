/* The page: what is open, what is filtered, what is selected; and every control. */
function start() {
  const byId = (id) => document.getElementById(id);
  setUpTheme(byId("theme"));
  const model = buildModel(JSON.parse(byId("data").textContent));
  const holder = byId("stage");
  const state = { open: new Set(), closedScopes: new Set(), selected: -1, trace: false, filters: { text: "", scope: "", stage: "", type: "", finding: "" } };
  const actions = { choose, toggle, toggleScope, reveal };
  const graph = createGraph(holder, model, actions);

  function draw(width = holder.clientWidth) {
    const { shown, exact } = filtered(model, state.filters);
    const narrow = Boolean(state.filters.text || state.filters.type || state.filters.finding);
    const isOpen = (node) => state.open.has(node.id) || (narrow && node.children.some((child) => shown.has(child.id)));
    const view = { shown, isOpen, scopeOpen: (scope) => !state.closedScopes.has(scope) };
    const layout = layoutGraph(model, view, width);
    drawGraph(graph, model, layout, { ...state, isOpen }, actions);
    const resources = exact.filter((node) => node.kind === "resource").length;
    const all = model.nodes.filter((node) => node.kind === "resource").length;
    byId("count").textContent = resources === all ? counted(all, "resource") : `${resources} of ${counted(all, "resource")}`;
    if (!exact.length) graph.canvas.replaceChildren(element("p", { class: "nothing" }, "Nothing matches. Clear the search or a filter."));
  }

  function choose(id) {
    if (id >= 0 && model.nodes[id].children.length) flip(id);
    select(id);
    draw();
  }

  function toggle(id) {
    flip(id);
    graph.focused = id;
    draw();
  }

  function flip(id) {
    if (!state.open.delete(id)) state.open.add(id);
  }

  function select(id) {
    state.selected = id;
    state.trace = false;
    if (id >= 0) graph.focused = id;
    showPanel(byId("side"), model, id, actions);
    history.replaceState(null, "", id >= 0 ? `#r-${id}` : location.pathname + location.search);
  }

  function toggleScope(scope) {
    if (!state.closedScopes.delete(scope)) state.closedScopes.add(scope);
    draw();
    graph.canvas.querySelector(`[data-scope="${CSS.escape(scope)}"]`)?.focus();
  }

  /* Opens whatever is around a resource, takes away filters that hide it, and goes there. */
  function reveal(id) {
    const node = model.nodes[id];
    if (!node) return;
    for (const above of ancestors(model, node)) state.open.add(above.id);
    state.closedScopes.delete(node.scope);
    if (!filtered(model, state.filters).shown.has(id)) clearFilters();
    select(id);
    state.trace = true;
    draw();
    focusCard(graph, id);
    graph.cards.get(id).scrollIntoView({ block: "center" });
  }

  function clearFilters() {
    for (const name of Object.keys(state.filters)) {
      state.filters[name] = "";
      byId(name === "text" ? "search" : `filter-${name}`).value = "";
    }
  }

  function setOpen(all) {
    state.open = new Set(all ? model.nodes.filter((node) => node.children.length).map((node) => node.id) : []);
    draw();
  }

  function fromAddress() {
    const found = /^#r-(\d+)$/.exec(location.hash);
    if (found) reveal(Number(found[1]));
  }

  byId("search").addEventListener("input", (event) => { state.filters.text = event.target.value.trim(); draw(); });
  for (const name of ["scope", "stage", "type", "finding"]) {
    byId(`filter-${name}`).addEventListener("change", (event) => { state.filters[name] = event.target.value; draw(); });
  }
  byId("expand").addEventListener("click", () => setOpen(true));
  byId("collapse").addEventListener("click", () => setOpen(false));
  setUpFindings();
  setUpDifferences(byId);
  addEventListener("hashchange", fromAddress);
  document.addEventListener("click", (event) => {
    const link = event.target.closest ? event.target.closest('a[href^="#r-"]') : null;
    if (!link) return;
    event.preventDefault();
    reveal(Number(link.getAttribute("href").slice(3)));
  });
  document.addEventListener("keydown", (event) => {
    const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
    if (event.key === "/" && !typing) { event.preventDefault(); byId("search").focus(); }
    if (event.key === "Escape") { if (typing || state.selected < 0) clearFilters(); select(-1); draw(); }
  });
  addEventListener("beforeprint", () => draw(1040));
  addEventListener("afterprint", () => draw());
  let width = holder.clientWidth;
  new ResizeObserver(() => { if (holder.clientWidth !== width) { width = holder.clientWidth; draw(); } }).observe(holder);
  showPanel(byId("side"), model, -1, actions);
  draw();
  fromAddress();
  return { model, state, draw };
}

function setUpFindings() {
  const chips = [...document.querySelectorAll(".chips button")];
  for (const chip of chips) {
    chip.addEventListener("click", () => {
      for (const other of chips) other.setAttribute("aria-pressed", String(other === chip));
      for (const finding of document.querySelectorAll(".finding")) {
        finding.hidden = Boolean(chip.dataset.severity) && finding.dataset.severity !== chip.dataset.severity;
      }
    });
  }
}

function setUpDifferences(byId) {
  const [box, table] = [byId("expected"), byId("differences-table")];
  if (!box || !table) return;
  const only = !table.querySelector("tbody:not(.expected)");
  byId("differences-note").hidden = !only;
  box.addEventListener("change", () => {
    table.classList.toggle("all", box.checked);
    byId("differences-note").hidden = !only || box.checked;
  });
}

start();
