/* The status page: drawn from one document, which a live page asks for again and again. */
const GOOD = new Set(["running", "succeeded", "ready", "approved", "deployed", "no drift", "resolved"]);
const BAD = new Set(["stopped", "failed", "not answering", "rejected", "interrupted", "raised", "drift"]);

/* Whether somebody answers behind this page. */
const page = { live: false };

function mood(state) {
  return GOOD.has(state) ? "good" : BAD.has(state) ? "error" : "warning";
}

function pill(state) {
  return element("span", { class: `pill ${mood(state)}` }, state);
}

function table(columns, rows, empty) {
  if (!rows.length) return element("p", { class: "card empty" }, ...sentence(empty));
  const title = (name) => (name === "state" ? element("span", { class: "hidden-text" }, name) : name);
  const head = element("tr", {}, ...columns.map((name) => element("th", { scope: "col" }, title(name))));
  const cells = (row) => row.map((cell) => element("td", { class: typeof cell === "string" && cell.length > 40 ? "long" : null }, cell ?? ""));
  const body = element("tbody", {}, ...rows.map((row) => element("tr", {}, ...cells(row))));
  return element("div", { class: "card table-wrap" }, element("table", {}, element("thead", {}, head), body));
}

function section(title, ...content) {
  const id = `s-${title.toLowerCase().replaceAll(" ", "-")}`;
  return element("section", { id, "aria-label": title }, element("h2", {}, title), ...content);
}

function moment(text) {
  const then = text ? new Date(text) : null;
  if (!then || Number.isNaN(then.getTime())) return text ? String(text) : "";
  return element("time", { datetime: text, title: then.toLocaleString() }, ago(then));
}

function ago(then) {
  const minutes = Math.round((Date.now() - then) / 60000);
  if (minutes < 1) return "just now";
  if (minutes < 90) return `${minutes} min ago`;
  return minutes < 36 * 60 ? `${Math.round(minutes / 60)} h ago` : then.toLocaleDateString();
}

/* Words with `commands` in them. */
function sentence(text) {
  return text.split("`").map((part, index) => (index % 2 ? element("code", {}, part) : part));
}

function counted(number, word) {
  return `${number} ${word}${number === 1 ? "" : "s"}`;
}

function lasted(began, ended) {
  const seconds = began && ended ? (new Date(ended) - new Date(began)) / 1000 : NaN;
  if (Number.isNaN(seconds)) return "";
  return seconds < 90 ? `${seconds.toFixed(1)} s` : `${Math.round(seconds / 60)} min`;
}

function tile(label, value, state, remark) {
  return element("div", { class: `card tile ${state}` }, element("span", { class: "muted" }, label), element("b", {}, value), element("span", { class: "muted" }, remark));
}

function openAlarms(status) {
  return (status.monitoring || []).flatMap((each) => each.alarms).filter((alarm) => alarm.state !== "resolved");
}

function tiles(status) {
  const up = status.processes.filter((each) => each.state === "running").length;
  const ready = status.endpoints.filter((each) => each.ready !== false).length;
  const versions = status.models.reduce((sum, model) => sum + model.versions.length, 0);
  const run = status.runs[0];
  const alarms = openAlarms(status).length;
  const share = (part, whole) => (whole === 0 ? "" : part === whole ? "good" : "error");
  return element(
    "div", { class: "tiles" },
    tile("Processes", `${up} of ${status.processes.length}`, share(up, status.processes.length), "running"),
    tile("Endpoints", `${ready} of ${status.endpoints.length}`, share(ready, status.endpoints.length), status.endpoints.length ? "ready" : "nothing is released yet"),
    tile("Models", String(status.models.length), "", counted(versions, "version")),
    tile("Last run", run ? run.state : "none", run ? mood(run.state) : "", run ? `${run.pipeline} in ${run.environment}` : "no pipeline ran yet"),
    tile("Alarms", status.monitoring ? String(alarms) : "–", status.monitoring ? (alarms ? "error" : "good") : "", status.monitoring ? (alarms ? "open" : "all quiet") : "no monitoring stage"),
  );
}

function links(status) {
  if (!status.links.length) return element("p", { class: "card empty" }, "No stage has a page yet.");
  const small = (text) => element("small", {}, text);
  const place = (link) => (page.live && /^[a-z]+$/.test(link.page || "") ? element("a", { href: link.page }, link.title, small(link.path)) : element("div", { class: "place" }, link.title, small(link.path)));
  const one = (link) => element("a", { href: link.url, rel: "noreferrer" }, link.title, small(link.url.replace(/^https?:\/\//, "")));
  return element("div", { class: "links" }, ...status.links.filter((link) => /^https?:\/\//.test(link.url)).map(one), ...status.links.filter((link) => link.path).map(place));
}

function models(status) {
  if (!status.models.length) return [element("p", { class: "card empty" }, "The blueprint has no model.")];
  return status.models.map((model) => {
    const releases = Object.entries(model.releases).map(([name, version]) => element("span", { class: `pill ${version ? "good" : ""}` }, `${name}: ${version ?? "none"}`));
    const head = element("div", { class: "model" }, element("h3", {}, model.model), ...releases, model.problem ? element("span", { class: "pill error" }, model.problem) : null);
    const rows = model.versions.slice(0, 6).map((each) => [
      element("strong", {}, String(each.number)), pill(each.approval), each.approved_by || each.rejected_because || "",
      Object.entries(each.metrics).slice(0, 3).map(([name, value]) => `${name} ${Number(value).toPrecision(4)}`).join(", "), moment(each.created),
    ]);
    const shown = rows.length ? table(["version", "approval", "by, or why", "metrics", "registered"], rows, "") : element("p", { class: "empty" }, "No version is registered yet.");
    shown.classList.remove("card");
    const more = model.versions.length - rows.length;
    return element("div", { class: "card" }, head, shown, more > 0 ? element("p", { class: "empty" }, `and ${more} older ones`) : null);
  });
}

function outcome(run) {
  const version = run.result && run.result.version;
  return run.error ? String(run.error) : version ? `version ${version}` : "";
}

function drift(status) {
  const { monitoring } = status;
  if (!monitoring) return [element("p", { class: "card empty" }, ...sentence("The blueprint has no stage `monitoring`, so nobody looks for drift."))];
  if (!monitoring.length) return [element("p", { class: "card empty" }, "No model is watched yet: watching begins when one is served.")];
  return monitoring.map(watched);
}

/* One watched model: its verdict, how far its inputs have moved towards their thresholds, its alarms. */
function watched(each) {
  const facts = [each.reason, each.quality, measured(each)].filter(Boolean).join("; ");
  const head = element(
    "div", { class: "model" }, element("h3", {}, `${each.model} in ${each.environment}`), pill(each.drift),
    each.until ? element("span", { class: "muted" }, `${each.rows} requests until `, moment(each.until)) : null,
    facts ? element("span", { class: "muted facts" }, facts) : null,
  );
  const box = element("div", { class: "card" }, head);
  if (each.features.length) {
    box.append(element("div", { class: "features" }, ...each.features.slice(0, 8).flatMap((one) => [element("span", {}, one.name), bar(one)])));
  }
  if (each.alarms.length) {
    const rows = each.alarms.map((alarm) => [pill(alarm.state), alarm.kind, alarm.reason, moment(alarm.raised), alarm.run ? `started ${alarm.run}` : alarm.acknowledged_by || ""]);
    const shown = table(["state", "alarm", "why", "raised", "then"], rows, "");
    shown.classList.remove("card");
    box.append(shown);
  }
  if (each.page) {
    const place = `reports/${encodeURIComponent(each.environment)}/${encodeURIComponent(each.model)}`;
    const whole = page.live ? element("a", { href: place, target: "_blank", rel: "noopener" }, "The whole report") : "The whole report";
    box.append(element("p", { class: "empty" }, whole, " ", element("code", {}, each.page)));
  }
  return box;
}

function measured(each) {
  const server = each.server || {};
  return typeof server.latency_p99_ms === "number" ? `99 % of answers within ${Number(server.latency_p99_ms).toPrecision(3)} ms, ${Number(server.error_rate_percent).toPrecision(2)} % errors` : "";
}

function bar(one) {
  const share = one.threshold ? one.score / one.threshold : one.score;
  const fill = element("i", {});
  fill.style.width = `${Math.round(100 * Math.min(1, share))}%`;
  const level = share > 1 ? "error" : share > 0.75 ? "warning" : "";
  const text = `${Number(one.score).toPrecision(3)} of ${Number(one.threshold).toPrecision(3)}`;
  return element("span", { class: "muted" }, element("span", { class: `spark ${level}`, "aria-hidden": "true" }, fill), text);
}

function verdict(status) {
  const stopped = status.processes.filter((each) => each.state !== "running").length;
  const silent = status.endpoints.filter((each) => each.ready === false).length;
  const alarms = openAlarms(status).length;
  const missing = status.stages.filter((each) => !each.deployed).length;
  if (stopped || silent) return ["error", `${stopped + silent} not working`];
  if (alarms) return ["error", counted(alarms, "open alarm")];
  if (missing) return ["warning", missing === status.stages.length ? "not deployed" : `${missing} not deployed`];
  return ["good", "everything works"];
}

function draw(status) {
  const [level, words] = verdict(status);
  const badge = document.getElementById("verdict");
  badge.className = `pill ${level}`;
  if (badge.textContent !== words) badge.textContent = words;
  document.getElementById("file").textContent = status.file;
  document.getElementById("content").replaceChildren(
    tiles(status),
    section("Pages", links(status)),
    element(
      "div", { class: "columns" },
      section("Models", ...models(status)),
      section("Last runs", table(
        ["state", "pipeline", "environment", "why", "started", "took", "came to"],
        status.runs.map((run) => [pill(run.state), run.pipeline, run.environment, run.trigger, moment(run.started), lasted(run.started, run.ended), outcome(run)]),
        "No pipeline ran yet: start one with `mlops-stacks run`.",
      )),
      section("Processes", table(
        ["state", "name", "stage", "scope", "process"],
        status.processes.map((each) => [pill(each.state), each.name, each.stage.replaceAll("_", " "), each.scope, each.pids.join(" ")]),
        "Nothing of this blueprint runs on this machine.",
      )),
      section("Endpoints", table(
        ["state", "model", "version", "environment", "address"],
        status.endpoints.map((each) => [pill(each.ready === null ? "unknown" : each.ready ? "ready" : "not answering"), each.model, String(each.version ?? ""), each.environment, each.address]),
        "Nothing is released yet: `mlops-stacks release`, then `mlops-stacks up`.",
      )),
      section("Drift and alarms", ...drift(status)),
      section("Builds and packages", table(
        ["number", "outcome", "commit", "made", "tests", "runs in, or why not"],
        status.packages.map((each) => [String(each.number), each.outcome, each.commit.slice(0, 12), moment(each.made), each.tests, each.remark]),
        "Nothing was built: push to the repository of `continuous_integration`.",
      )),
      section("Stages", table(
        ["state", "stage", "engine", "platform", "scope"],
        status.stages.map((each) => [pill(each.deployed ? "deployed" : "not deployed"), each.stage.replaceAll("_", " "), each.engine, each.platform, each.scope]),
        "The blueprint has no stage.",
      )),
    ),
  );
}

/* Draws what has changed, and leaves a reader's place alone. */
function redraw(status) {
  const { time, ...rest } = status;
  const now = JSON.stringify(rest) + Math.floor(new Date(time) / 60000);
  if (now === redraw.last) return;
  redraw.last = now;
  const at = document.activeElement && document.activeElement.getAttribute("href");
  draw(status);
  if (at) document.querySelector(`main a[href="${CSS.escape(at)}"]`)?.focus();
}

/* Asks again, and says so when nobody answers: what is shown is old then. */
async function refresh(seconds) {
  const note = document.getElementById("updated");
  try {
    const answer = await fetch("status.json", { cache: "no-store" });
    const found = await answer.json();
    if (!answer.ok) throw new Error(found.problem || `status ${answer.status}`);
    redraw(found);
    note.textContent = `updated ${new Date(found.time).toLocaleTimeString()}`;
    document.body.classList.remove("stale");
  } catch (problem) {
    note.textContent = problem instanceof TypeError ? "`mlops-stacks open` has ended: what you see is old" : String(problem.message);
    document.body.classList.add("stale");
  }
  setTimeout(refresh, seconds * 1000, seconds);
}

function start() {
  const { live, seconds, status } = JSON.parse(document.getElementById("data").textContent);
  page.live = live;
  setUpTheme(document.getElementById("theme"));
  redraw(status);
  document.getElementById("updated").textContent = live ? `updated ${new Date(status.time).toLocaleTimeString()}` : `as it was on ${new Date(status.time).toLocaleString()}`;
  if (live) setTimeout(refresh, seconds * 1000, seconds);
}

start();
