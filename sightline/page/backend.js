/**
 * Who answers: the server that this page comes from. An export for the web has a `backend.js` of its own, whose answers
 * come from `local.js`, a model in the browser.
 *
 * open(tell, {unlock}) gives {local, models: [{name, task, classes}], predict, explain}:
 * - predict(model, image, minConfidence): {answer, size}; the answer as `sightline predict --json` gives it, and the
 *   image's [width, height], null where the browser cannot show it.
 * - explain(model, image, ask, {progress, signal}): {canvas, trust}, what a part of the answer rests on: that of
 *   {label}, or the {item}-th, from 1. canvas is to be laid over the image; trust is a key of `words.js`, or null
 *   where it was not measured.
 * An image is {id, blob, name}. What a user can mend is thrown as a Problem. tell(share) hears how much is loaded, 0..1;
 * unlock(wrong) asks the user for a key, and says so where the last one was none.
 */
export { open } from "./remote.js";
