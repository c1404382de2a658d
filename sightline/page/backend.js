/**
 * Who answers: the server that this page comes from. An export for the web has a `backend.js` of its own, whose answers
 * come from `local.js`, a model in the browser.
 *
 * open(tell) gives {local, models: [{name, task, classes, scores}], predict, explain}:
 * - predict(model, image, minConfidence): {answer, size}; the answer as `sightline predict --json` gives it.
 * - explain(model, image, ask, {progress, signal}): {data, width, height}, what a part of the answer rests on: that of
 *   {label}, or the {item}-th, from 1.
 * An image is {id, blob, name}. What a user can mend is thrown as a Problem. tell(share) hears how much is loaded, 0..1.
 */
export { open } from "./remote.js";
