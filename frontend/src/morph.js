// Refreshed parts are morphed into place: what did not change is not touched, so that images do not flicker,
// drawn histograms stay, opened details stay open and the page does not jump. Rows of lists have ids: one that moves
// down keeps the focus and the selection that are in it, and is not written over with another's text. That holds while
// no blanks stand between them: Idiomorph would match those, and take the rows between out and in again.
import htmx from "htmx.org";
import { Idiomorph } from "idiomorph";

const seen = new WeakMap();

// A result never changes once published and its figures carry its id, so the same id is the same drawing.
const isDrawing = (node) => node instanceof HTMLElement && node.matches(".histogram, .histogram-set, .figure.broken");

const asItCame = (select) => [...select.options].find((option) => option.defaultSelected) ?? select.options[0];

const isChanged = (control) =>
  control.localName === "select"
    ? control.selectedOptions[0] !== asItCame(control)
    : control.localName === "input" && control.value !== control.defaultValue;

// What a reader has typed or chosen and not yet sent is unknown to the server: it would be wiped out.
const isFilledIn = (node) =>
  node instanceof HTMLFormElement && (node.contains(document.activeElement) || [...node.elements].some(isChanged));

const callbacks = {
  beforeNodeMorphed: (old, fresh) => !isFilledIn(old) && !(isDrawing(old) && old.id !== "" && old.id === fresh.id),
  // Opened by the reader, unknown to the server.
  beforeAttributeUpdated: (name, node) => !(name === "open" && node.localName === "details"),
};

export function installMorph() {
  htmx.defineExtension("morph", {
    isInlineSwap: () => false,
    handleSwap: (style, target, fragment) =>
      style === "morph" ? Idiomorph.morph(target, fragment.childNodes, { morphStyle: "innerHTML", callbacks }) : false,
  });
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { target, xhr } = event.detail;
    if (xhr.status !== 200 || !target?.dataset.live) return;
    if (seen.get(target) === xhr.responseText) event.detail.shouldSwap = false;
    else seen.set(target, xhr.responseText);
  });
}
