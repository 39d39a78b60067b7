/* The plan as a forest of components and resources, and what of it is to be seen. */
function buildModel(data) {
  const nodes = data.nodes.map((raw, id) => ({ ...raw, id, children: [], findings: [], dependents: [] }));
  for (const node of nodes) {
    /* What belongs to another stage than the component around it stands in its own lane. */
    if (node.parent >= 0 && nodes[node.parent].stage !== node.stage) node.parent = -1;
    if (node.parent >= 0) nodes[node.parent].children.push(node);
    for (const need of node.needs) nodes[need].dependents.push(node.id);
  }
  for (const finding of data.findings) if (finding.node >= 0) nodes[finding.node].findings.push(finding);
  for (const node of nodes) {
    node.label = shortLabel(node, nodes[node.parent]);
    node.text = searchText(node);
  }
  for (const node of [...nodes].reverse()) {
    node.size = node.children.reduce((sum, child) => sum + child.size, node.kind === "resource" ? 1 : 0);
    node.worst = worst([...node.findings.map((f) => f.severity), ...node.children.map((child) => child.worst)]);
  }
  return { nodes, scopes: data.scopes, stages: data.stages };
}

const SEVERITIES = ["error", "warning", "info"];

function worst(severities) {
  return SEVERITIES.find((severity) => severities.includes(severity)) || null;
}

/* Inside `foundation`, `foundation-data-policy` is called `data-policy`. */
function shortLabel(node, parent) {
  const prefix = parent ? `${parent.name}-` : null;
  return prefix && node.name.startsWith(prefix) && node.name.length > prefix.length ? node.name.slice(prefix.length) : node.name;
}

/* References are left out: who looks for a name wants the resource, not everything that refers to it. */
function searchText(node) {
  const inputs = JSON.stringify(node.inputs).replaceAll(/\$\{urn:[^#{}]*#/g, "${");
  return [node.name, node.type, node.token, node.physical || "", node.stage, inputs].join("\n").toLowerCase();
}

function ancestors(model, node) {
  const found = [];
  for (let id = node.parent; id >= 0; id = model.nodes[id].parent) found.push(model.nodes[id]);
  return found;
}

/* The ids that pass the filters, with all that they are inside of; `exact` are the ones that pass by themselves. */
function filtered(model, filters) {
  const exact = model.nodes.filter((node) => passes(node, filters));
  const shown = new Set(exact.map((node) => node.id));
  for (const node of exact) for (const above of ancestors(model, node)) shown.add(above.id);
  return { shown, exact };
}

function passes(node, { text, scope, stage, type, finding }) {
  if (scope && node.scope !== scope) return false;
  if (stage && node.stage !== stage) return false;
  if (type && node.type !== type) return false;
  if (finding && !node.findings.some((each) => finding === "any" || each.severity === finding)) return false;
  return text.toLowerCase().split(/\s+/).every((word) => node.text.includes(word));
}

/* Which visible card stands for each resource: itself, or the outermost closed component around it. */
function representatives(model, shown, isOpen) {
  return model.nodes.map((node) => {
    if (!shown.has(node.id)) return -1;
    let stands = node.id;
    for (const above of ancestors(model, node)) if (!isOpen(above)) stands = above.id;
    return stands;
  });
}

/*
 * Dependencies between visible cards, counted: from what is needed to what needs it. Links to targets and to other
 * stacks draw none: what is needed of another stack has a line of its own.
 */
function visibleEdges(model, stands) {
  const edges = new Map();
  for (const node of model.nodes) {
    for (const need of node.needs) {
      if (model.nodes[need].kind === "link") continue;
      const source = stands[need];
      const target = stands[node.id];
      if (source < 0 || target < 0 || source === target) continue;
      if (isInside(model, source, target) || isInside(model, target, source)) continue;
      const key = `${source}>${target}`;
      const known = edges.get(key);
      if (known) known.count += 1;
      else edges.set(key, { source, target, count: 1 });
    }
  }
  return [...edges.values()];
}

function isInside(model, inner, outer) {
  return ancestors(model, model.nodes[inner]).some((above) => above.id === outer);
}

/* Everything reachable over edges in one direction, with its distance. */
function reach(starts, next) {
  const distance = new Map(starts.map((id) => [id, 0]));
  const queue = [...starts];
  while (queue.length) {
    const id = queue.shift();
    for (const other of next.get(id) || []) {
      if (!distance.has(other)) {
        distance.set(other, distance.get(id) + 1);
        queue.push(other);
      }
    }
  }
  return distance;
}
