/*
 * The layout. Scopes are bands, stages are lanes, and cards stand in rows; an open component is a frame of rows.
 * Lines run only in the channels between rows and in the gutter left of them, so that none ever crosses a card:
 * down from a card into the channel below it, along it or through the gutter, and from above into the other card.
 * All lines of one card share their track, as a bus does. Positions are in pixels.
 */
const SIZES = {
  roomy: { component: [252, 54], resource: [174, 44], gap: 16, track: 5 },
  compact: { component: [204, 34], resource: [158, 27], gap: 10, track: 4 },
};
/* How wide the lanes' names are; small windows break them into lines. */
function labelWidth(width) {
  return width < 700 ? 104 : 158;
}

const HEADER = 32;
const MANY = 130;

function layoutGraph(model, view, width) {
  let gutter = 40;
  let result = null;
  for (let pass = 0; pass < 3; pass += 1) {
    result = placed(model, view, width, gutter);
    if (result.gutter <= gutter) break;
    gutter = result.gutter;
  }
  return result;
}

function placed(model, view, width, gutter) {
  const stands = representatives(model, view.shown, view.isOpen);
  const edges = visibleEdges(model, stands).filter((edge) => view.scopeOpen(model.nodes[edge.source].scope) && view.scopeOpen(model.nodes[edge.target].scope));
  const sizes = new Set(stands).size > MANY ? SIZES.compact : SIZES.roomy;
  const left = labelWidth(width) + gutter;
  const grid = flowRows(model, view, edges, sizes, left, Math.max(width - 14, left + sizes.component[0] + 24));
  const routes = routeEdges(grid, edges, sizes);
  setHeights(grid, routes);
  const gutters = assignGutter(routes, left);
  drawRoutes(grid, routes, gutters);
  return { ...grid, edges: routes.edges, gutter: gutters.need, compact: sizes === SIZES.compact, width: Math.max(width, grid.right + 14) };
}

/* ── rows ── */

function flowRows(model, view, edges, sizes, left, right) {
  const grid = { rows: [], frames: [], lanes: [], bands: [], cells: new Map(), right };
  for (const scope of model.scopes) {
    const members = model.nodes.filter((node) => node.scope === scope.name && view.shown.has(node.id));
    if (!members.length) continue;
    const band = { scope, first: grid.rows.length, open: view.scopeOpen(scope.name) };
    grid.bands.push(band);
    let before = 46;
    for (const stage of band.open ? model.stages : []) {
      const items = members.filter((node) => node.stage === stage && node.parent < 0);
      if (!items.length) continue;
      const lane = { scope, stage, first: grid.rows.length };
      flow(model, view, edges, sizes, grid, items, left, right);
      if (turnsBelow(grid, edges, grid.rows.length - 1)) newRow(grid);
      lane.last = grid.rows.length - 1;
      grid.rows[lane.first].before += before;
      grid.rows[lane.first].laneTop = 4;
      before = 10;
      grid.lanes.push(lane);
    }
    /* An empty row ends the band: what leaves its last cards turns here, before the next heading. */
    grid.rows.push({ cells: [], height: 0, before: band.open ? 0 : before, after: 0, laneTop: 0 });
  }
  return grid;
}

function flow(model, view, edges, sizes, grid, items, left, right) {
  const isFrame = (node) => view.isOpen(node) && shownChildren(view, node).length > 0;
  const cards = items.filter((node) => !isFrame(node));
  const [wide] = cards.every((node) => node.kind !== "component") ? sizes.resource : sizes.component;
  const columns = Math.max(1, Math.floor((right - left + sizes.gap) / (wide + sizes.gap)));
  const width = Math.min((right - left - (columns - 1) * sizes.gap) / columns, wide * 1.4);
  let row = null;
  for (const cluster of clusters(model, items)) {
    const fits = row && cluster.nodes.length <= columns - row.cells.length;
    if (cards.length > columns && (cluster.starts || !fits)) row = null;
    for (const node of cluster.nodes) {
      if (isFrame(node)) {
        openFrame(model, view, edges, sizes, grid, node, left, right);
        row = null;
        continue;
      }
      if (!row || row.cells.length >= columns) row = newRow(grid);
      const height = (node.kind === "component" ? sizes.component : sizes.resource)[1];
      putCell(grid, row, node, left + row.cells.length * (width + sizes.gap), width, height);
    }
  }
}

/*
 * Siblings in the order of their dependencies on each other. Those that are called after one of them (`data-policy`
 * after `data`) and need it stand right behind it; `starts` says where the next layer begins.
 */
function clusters(model, items) {
  const { needs, depth } = siblingNeeds(model, items);
  const leaders = new Map();
  for (const node of items) {
    const leader = items
      .filter((other) => needs.get(node.id).has(other.id) && node.label.startsWith(`${other.label}-`))
      .sort((a, b) => a.label.length - b.label.length)[0];
    leaders.set(node.id, leader ? leader.id : node.id);
  }
  const found = new Map();
  const ordered = [...items].sort((a, b) => depth.get(a.id) - depth.get(b.id) || a.id - b.id);
  for (const node of ordered) {
    let leader = node.id;
    while (leaders.get(leader) !== leader) leader = leaders.get(leader);
    if (!found.has(leader)) found.set(leader, { nodes: [], depth: depth.get(leader) });
    found.get(leader).nodes.push(node);
  }
  const result = [...found.values()];
  result.forEach((cluster, index) => {
    cluster.starts = index > 0 && result[index - 1].depth !== cluster.depth;
  });
  return result;
}

/* Whether a line from the last row comes back into it from below: it needs room there. */
function turnsBelow(grid, edges, row) {
  return edges.some(({ source, target }) => {
    const [from, to] = [grid.cells.get(source), grid.cells.get(target)];
    return from && to && from.row === row && to.row === row && !isNext(from, to);
  });
}

function isNext(from, to) {
  return from.row === to.row && to.column === from.column + 1;
}

function openFrame(model, view, edges, sizes, grid, node, left, right) {
  const header = newRow(grid);
  header.before += 8;
  putCell(grid, header, node, left + 10, Math.min(300, right - left - 20), HEADER);
  const frame = { node, first: grid.rows.length - 1, left, right };
  flow(model, view, edges, sizes, grid, shownChildren(view, node), left + 10, right - 10);
  frame.last = grid.rows.length - 1;
  grid.rows[frame.last].after += 10;
  frame.depth = grid.rows[frame.last].after;
  grid.frames.push(frame);
}

function shownChildren(view, node) {
  return node.children.filter((child) => view.shown.has(child.id));
}

function newRow(grid) {
  const row = { cells: [], height: 0, before: 0, after: 0, laneTop: 0 };
  grid.rows.push(row);
  return row;
}

function putCell(grid, row, node, x, width, height) {
  const cell = { node, x, y: 0, width, height, row: grid.rows.indexOf(row), column: row.cells.length };
  row.cells.push(cell);
  row.height = Math.max(row.height, height);
  grid.cells.set(node.id, cell);
}

/* What siblings, with all that is inside of them, need of each other, and how deep that makes each. */
function siblingNeeds(model, items) {
  const of = new Map();
  const mark = (node, top) => {
    of.set(node.id, top);
    for (const child of node.children) mark(child, top);
  };
  for (const item of items) mark(item, item.id);
  const needs = new Map(items.map((item) => [item.id, new Set()]));
  for (const [id, top] of of) {
    for (const need of model.nodes[id].needs) if (of.has(need) && of.get(need) !== top) needs.get(top).add(of.get(need));
  }
  return { needs, depth: depths(needs) };
}

/* The longest way to each from one that needs nothing; a circle, which the checks refuse, is cut where it closes. */
function depths(needs) {
  const found = new Map();
  const visiting = new Set();
  const visit = (id) => {
    if (found.has(id)) return found.get(id);
    if (visiting.has(id)) return 0;
    visiting.add(id);
    const depth = Math.max(0, ...[...needs.get(id)].map((need) => visit(need) + 1));
    found.set(id, depth);
    return depth;
  };
  for (const id of needs.keys()) visit(id);
  return found;
}

/* ── lines ── */

function routeEdges(grid, edges, sizes) {
  const channels = Array.from({ length: grid.rows.length + 1 }, () => new Map());
  const gutter = new Map();
  const routed = edges.filter((edge) => grid.cells.has(edge.source) && grid.cells.has(edge.target)).map((edge) => ({ ...edge }));
  givePorts(grid, routed);
  for (const edge of routed) {
    const from = grid.cells.get(edge.source);
    const to = grid.cells.get(edge.target);
    edge.aside = isNext(from, to);
    if (edge.aside) continue;
    edge.leaves = from.row + 1;
    edge.enters = from.row === to.row ? edge.leaves : to.row;
    edge.below = from.row === to.row;
    edge.through = edge.leaves !== edge.enters;
    const x = from.x + from.width / 2;
    widen(channels[edge.leaves], edge.source, x, edge.through ? 0 : edge.port);
    if (edge.through) {
      widen(channels[edge.enters], edge.source, 0, edge.port);
      widen(gutter, edge.source, edge.leaves, edge.enters);
    }
  }
  return { edges: routed, channels: channels.map((spans) => tracks(spans)), gutter: tracks(gutter, true), sizes };
}

/* Where on its upper edge each line comes in, in the order of the sources. */
function givePorts(grid, edges) {
  const into = new Map();
  for (const edge of edges) if (!isNext(grid.cells.get(edge.source), grid.cells.get(edge.target))) into.set(edge.target, [...(into.get(edge.target) || []), edge]);
  for (const [target, coming] of into) {
    const cell = grid.cells.get(target);
    const order = [...coming].sort((a, b) => grid.cells.get(a.source).x - grid.cells.get(b.source).x || a.source - b.source);
    order.forEach((edge, index) => {
      const share = (index + 1) / (order.length + 1);
      const middle = Math.abs(share - 0.5) < 0.04 ? 0.06 : 0;
      edge.port = cell.x + cell.width * (share - middle);
    });
  }
}

function widen(spans, key, a, b) {
  const known = spans.get(key) || [Infinity, -Infinity];
  spans.set(key, [Math.min(known[0], a, b), Math.max(known[1], a, b)]);
}

/* Gives each span the first track on which it touches no other. */
function tracks(spans, shortFirst = false) {
  const taken = [];
  const track = new Map();
  const order = [...spans].sort((a, b) => (shortFirst ? a[1][1] - a[1][0] - (b[1][1] - b[1][0]) : a[1][0] - b[1][0]) || a[0] - b[0]);
  for (const [key, span] of order) {
    let index = taken.findIndex((others) => others.every((other) => span[1] < other[0] - 4 * !shortFirst || span[0] > other[1] + 4 * !shortFirst));
    if (index < 0) index = taken.push([]) - 1;
    taken[index].push(span);
    track.set(key, index);
  }
  return { track, count: taken.length };
}

function setHeights(grid, { channels, sizes }) {
  let y = 0;
  grid.rows.forEach((row, index) => {
    const { count } = channels[index];
    const step = Math.max(2, Math.min(sizes.track, 90 / Math.max(count, 1)));
    y += row.before;
    row.top = y;
    y += row.laneTop;
    channels[index].y = y + 7;
    channels[index].step = step;
    y += count ? 7 + (count - 1) * step + 10 : sizes.gap * 0.7;
    row.y = y;
    for (const cell of row.cells) cell.y = y;
    y += row.height + row.after;
    row.bottom = y + (grid.lanes.some((lane) => lane.last === index) ? 10 : 0);
    y = row.bottom;
  });
  grid.height = y + 8;
}

function assignGutter({ gutter }, left) {
  const step = Math.max(2.5, Math.min(6, 150 / Math.max(gutter.count, 1)));
  const need = Math.ceil(gutter.count * step + 22);
  return { x: (source) => left - 12 - gutter.track.get(source) * step, need };
}

function drawRoutes(grid, { edges, channels }, gutters) {
  const trackY = (channel, source) => channels[channel].y + channels[channel].track.get(source) * channels[channel].step;
  for (const edge of edges) {
    const from = grid.cells.get(edge.source);
    const to = grid.cells.get(edge.target);
    if (edge.aside) {
      const y = from.y + Math.min(from.height, to.height) / 2;
      edge.points = [[from.x + from.width, y], [to.x, y]];
      continue;
    }
    const x = from.x + from.width / 2;
    const end = edge.below ? to.y + to.height : to.y;
    const points = [[x, from.y + from.height], [x, trackY(edge.leaves, edge.source)]];
    if (edge.through) {
      const side = gutters.x(edge.source);
      points.push([side, trackY(edge.leaves, edge.source)], [side, trackY(edge.enters, edge.source)]);
    }
    points.push([edge.port, trackY(edge.enters, edge.source)], [edge.port, end]);
    edge.points = points;
  }
}

/* A line through points with rounded corners. */
function pathOf(points) {
  let path = `M${points[0][0].toFixed(1)} ${points[0][1].toFixed(1)}`;
  for (let index = 1; index < points.length - 1; index += 1) {
    const [before, at, after] = [points[index - 1], points[index], points[index + 1]];
    const [a, b] = [towards(at, before), towards(at, after)];
    path += `L${a[0].toFixed(1)} ${a[1].toFixed(1)}Q${at[0].toFixed(1)} ${at[1].toFixed(1)} ${b[0].toFixed(1)} ${b[1].toFixed(1)}`;
  }
  const last = points[points.length - 1];
  return `${path}L${last[0].toFixed(1)} ${last[1].toFixed(1)}`;
}

function towards(from, to) {
  const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
  const length = Math.hypot(dx, dy) || 1;
  const radius = Math.min(5, length / 2);
  return [from[0] + (dx / length) * radius, from[1] + (dy / length) * radius];
}
