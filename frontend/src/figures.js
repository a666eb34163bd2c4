// A figure in large: click it, then the arrow keys go through all figures of the page.
import { drawInto, eraseFrom } from "./histograms.js";

let dialog = null;
let stage = null;
let caption = null;
let current = null;

const figures = () => [...document.querySelectorAll("main figure.figure")].filter((figure) => figure.querySelector("img, .histogram"));

function button(text, label, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = text;
  made.setAttribute("aria-label", label);
  made.addEventListener("click", act);
  return made;
}

function buildDialog() {
  dialog = document.createElement("dialog");
  dialog.className = "zoom";
  stage = document.createElement("div");
  stage.className = "zoom-stage";
  caption = document.createElement("p");
  caption.className = "zoom-caption";
  const bar = document.createElement("div");
  bar.className = "zoom-bar";
  bar.append(caption, button("←", "previous figure", () => step(-1)), button("→", "next figure", () => step(1)), button("✕", "close", () => dialog.close()));
  dialog.append(bar, stage);
  dialog.addEventListener("close", clear);
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  dialog.addEventListener("keydown", (event) => {
    if (event.key === "ArrowLeft") step(-1);
    if (event.key === "ArrowRight") step(1);
  });
  document.body.append(dialog);
}

function clear() {
  const plot = stage.querySelector(".histogram");
  if (plot) eraseFrom(plot);
  stage.replaceChildren();
}

function enlarged(figure) {
  const small = figure.querySelector(".histogram");
  if (!small) {
    const image = new Image();
    image.src = figure.querySelector("img").src;
    image.alt = figure.querySelector("img").alt;
    return image;
  }
  const plot = document.createElement("div");
  plot.className = "histogram";
  Object.assign(plot.dataset, { ...small.dataset });
  delete plot.dataset.drawn;
  return plot;
}

function open(figure) {
  if (!dialog) buildDialog();
  clear();
  current = figure;
  const name = figure.closest("[data-item]")?.dataset.item ?? "";
  const own = figure.querySelector("figcaption")?.textContent.trim() ?? figure.querySelector("img")?.alt ?? "";
  caption.textContent = [name, own].filter(Boolean).join(" · ");
  const shown = enlarged(figure);
  stage.append(shown);
  if (!dialog.open) dialog.showModal();
  if (shown.classList.contains("histogram")) drawInto(shown);
}

function step(by) {
  const all = figures();
  if (all.length) open(all[(all.indexOf(current) + by + all.length) % all.length]);
}

// Cut off, empty, or no picture at all: the figure says so and still leads to the file.
function breakOf(image) {
  const figure = image.closest("main figure.figure");
  if (!figure) return;
  const said = document.createElement("span");
  said.className = "missing";
  said.textContent = `${image.alt} cannot be shown: its file is no picture`;
  image.replaceWith(said);
  figure.classList.add("broken");
}

export function startFigures() {
  document.addEventListener("error", (event) => event.target.localName === "img" && breakOf(event.target), true);
  for (const image of document.querySelectorAll("main figure.figure img")) {
    if (image.complete && !image.naturalWidth) image.decode().catch(() => breakOf(image)); // before we listened
  }
  document.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    const figure = event.target.closest("main figure.figure");
    // Inside a histogram a click is JSROOT's (zooming); its caption enlarges it.
    // The link around an image is what the keyboard's Enter clicks.
    if (!figure || !event.target.closest("img, figcaption, a")) return;
    if (event.target.closest("figcaption a, .figure.broken a")) return;
    event.preventDefault();
    open(figure);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !event.target.matches?.("main figure.figure figcaption[tabindex]")) return;
    event.preventDefault();
    open(event.target.closest("figure.figure"));
  });
}
