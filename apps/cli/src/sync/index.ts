export { observeSync, type Delivery } from "./observe.ts";
export { followStream, type Follow } from "./follow-stream.ts";
export { proveStream } from "./prove-stream.ts";
