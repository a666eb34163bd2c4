// ROOT objects drawn by JSROOT, loaded only on pages that have some.
//   <div class="histogram" id data-file="URL" data-object="dir/name" data-draw="colz" data-logz>
//   <div class="histogram-set" id data-file="URL" data-objects='["adc/h{plane:a}{apa:d}"]' ...>: one of the above
//   for every object of the file that a pattern names (no patterns: everything that can be drawn)
// data-drawn="true" when the drawing is complete, data-failed="true" with a text in place when there is none.
import { matcher } from "./patterns.js";

const DRAWABLE = /^T(H[123]|Profile|Profile2D|Graph|MultiGraph|HStack|Canvas|Efficiency|F1|F2|2DHist)/;
const MOST_IN_A_SET = 200;
const MOST_OPEN_FILES = 8;

const files = new Map();
const drawnOnes = new Set();
let library = null;
let queue = Promise.resolve();

const jsroot = () => (library ??= import("jsroot").then(setUp));

function setUp(root) {
  // White paper in the dark theme too, as images have it: JSROOT's dark mode inverts the palette, and a colour
  // must mean the same number on every screen.
  root.settings.DarkMode = false;
  root.settings.UseStamp = false;
  root.settings.ContextMenu = true;
  root.settings.Palette = 112; // viridis: readable for every kind of colour vision
  root.gStyle.fPadLeftMargin = 0.17;
  root.gStyle.fPadRightMargin = 0.06;
  root.gStyle.fPadBottomMargin = 0.13;
  root.gStyle.fOptStat = 0; // the box would lie over the data; its numbers are one hover away
  return root;
}

async function fetchFile(url) {
  const answer = await fetch(url);
  if (answer.status === 404) throw new Error("The file is not there (404).");
  if (!answer.ok) throw new Error(`The server did not give the file (${answer.status}).`);
  const { openFile } = await jsroot();
  const file = await openFile(await answer.arrayBuffer());
  if (!file) throw new Error("This is not a ROOT file, or it is damaged.");
  return file;
}

// Several histograms share a file: it is fetched once.
function openOnce(url) {
  if (!files.has(url)) {
    const opening = fetchFile(url);
    opening.catch(() => files.delete(url));
    files.set(url, opening);
    if (files.size > MOST_OPEN_FILES) files.delete(files.keys().next().value);
  }
  return files.get(url);
}

function options(element) {
  const { draw = "", logx, logy, logz } = element.dataset;
  const logs = [logx !== undefined && "logx", logy !== undefined && "logy", logz !== undefined && "logz"];
  return [draw, ...logs].filter(Boolean).join(";");
}

function fail(element, error) {
  const text = document.createElement("p");
  text.className = "plot-problem";
  text.textContent = error.message || "It could not be drawn.";
  element.replaceChildren(text);
  element.dataset.failed = "true";
}

async function readObject(url, path) {
  const file = await openOnce(url);
  try {
    const object = await file.readObject(path);
    if (object) return object;
  } catch {
    // Said below, in words for people: JSROOT's own name its internals.
  }
  throw new Error(`No object “${path}” in the file.`);
}

// By its default the title of the y axis stands on the numbers; a larger offset, which its author chose, stays.
function makeRoom(object) {
  const axis = (object.fHistogram ?? object).fYaxis;
  if (axis && axis.fTitleOffset <= 1) axis.fTitleOffset = 2;
}

export async function drawInto(element) {
  try {
    const object = await readObject(element.dataset.file, element.dataset.object);
    const { draw } = await jsroot();
    element.replaceChildren();
    makeRoom(object);
    if (!(await draw(element, object, options(element)))) throw new Error("JSROOT cannot draw this object.");
    element.dataset.drawn = "true";
    drawnOnes.add(element);
    resizes.observe(element);
  } catch (error) {
    fail(element, error);
  }
}

export async function eraseFrom(element) {
  drawnOnes.delete(element);
  resizes.unobserve(element);
  delete element.dataset.drawn;
  (await jsroot()).cleanup(element);
}

// All keys with their directories: "adc/hU1". Cycles are left out; the newest wins in readObject.
async function listObjects(file, directory = null, prefix = "") {
  const keys = (directory ?? file).fKeys;
  const found = [];
  for (const key of keys) {
    const path = prefix + key.fName;
    if (key.fClassName === "TDirectory" || key.fClassName === "TDirectoryFile") {
      found.push(...(await listObjects(file, await file.readDirectory(path), `${path}/`)));
    } else if (DRAWABLE.test(key.fClassName) && !found.includes(path)) {
      found.push(path);
    }
  }
  return found;
}

function figureFor(set, path, number) {
  const figure = document.createElement("figure");
  figure.className = "figure";
  const plot = document.createElement("div");
  plot.className = "histogram";
  Object.assign(plot.dataset, set.dataset);
  plot.dataset.object = path;
  delete plot.dataset.objects;
  delete plot.dataset.watched;
  plot.id = `${set.id}-${number}`;
  const caption = document.createElement("figcaption");
  caption.textContent = path;
  caption.tabIndex = 0;
  figure.append(plot, caption);
  return figure;
}

async function expand(set) {
  try {
    const patterns = JSON.parse(set.dataset.objects || "[]");
    const all = await listObjects(await openOnce(set.dataset.file));
    const chosen = patterns.length ? all.filter(matcher(patterns)) : all;
    if (!chosen.length) throw new Error(`No object in the file matches ${patterns.join(", ") || "(anything)"}.`);
    set.replaceChildren(...chosen.slice(0, MOST_IN_A_SET).map((path, number) => figureFor(set, path, number)));
    set.dataset.expanded = "true";
    watch(set);
  } catch (error) {
    fail(set, error);
  }
}

const resizes = new ResizeObserver((entries) => {
  for (const { target } of entries) if (drawnOnes.has(target)) jsroot().then((root) => root.resize(target));
});

// One at a time, in the order in which they came into view, so that the page stays quick.
const sight = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) {
      if (!isIntersecting) continue;
      sight.unobserve(target);
      const work = target.classList.contains("histogram-set") ? expand : drawInto;
      queue = queue.then(() => target.isConnected && work(target));
    }
  },
  { rootMargin: "300px" },
);

function watch(root) {
  for (const element of root.querySelectorAll(".histogram:not([data-watched]), .histogram-set:not([data-watched])")) {
    element.dataset.watched = "true";
    sight.observe(element);
  }
}

function forgetRemoved() {
  for (const element of [...drawnOnes]) if (!element.isConnected) eraseFrom(element);
}

export function startHistograms() {
  watch(document);
  document.addEventListener("htmx:afterSwap", () => {
    forgetRemoved();
    watch(document);
  });
}
