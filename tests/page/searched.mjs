/** A reader's answers with what it keeps beside the network: functions do not cross the pipe. */
import { load, postprocess } from "../../sightline/page/tasks/read.js";

export async function searched(rows, size, spec, files) {
  const assets = await load(files);
  return rows.map((outputs) => postprocess(outputs, size, spec, assets));
}
