// The one script of every page. Data is never put into the page as markup here: only as textContent.
import htmx from "htmx.org";

import { startFigures } from "./figures.js";
import { startHistograms } from "./histograms.js";
import { startLive } from "./live.js";
import { installMorph } from "./morph.js";
import { startTimes } from "./times.js";

// What a strict content security policy forbids is switched off, so that nothing depends on it.
htmx.config.allowEval = false;
htmx.config.includeIndicatorStyles = false;
htmx.config.allowScriptTags = false;
htmx.config.historyCacheSize = 0;

installMorph();
startTimes();
startHistograms();
startFigures();
startLive();
