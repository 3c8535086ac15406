/** How the command and its parts are used, for terminals of 80 columns. */
export const USAGE = `Usage: evenkeel <command>

  demo     shows a scale-out on this machine, with evenkeel and without
  doctor   says what an app would make of a URL here, and what is wrong
  explain  sends one request, and tells its story
  rbac     prints the rights that reading EndpointSlices takes
  top      shows live what evenkeel does in a process with EVENKEEL_ADMIN

evenkeel <command> --help says more; evenkeel --version says which this is.
`;

export const USAGES = {
  demo: `Usage: evenkeel demo [options]

Shows a scale-out on this machine: the same load goes to three pods, then to
six, by a stock undici Agent and by evenkeel.

  --grpc       calls the pods by gRPC instead: with the round_robin of
               @grpc/grpc-js, which must be installed, and with evenkeel
  --seconds N  how long it takes: 2 to 300, 15 by default; 120 with --page
  --page       serves the live page of it as well, at http://127.0.0.1:9909/
  --json       prints nothing but the result
`,
  doctor: `Usage: evenkeel doctor URL... [options]

Says what an app would make of each URL at this place: where its name leads and
why, which endpoints can be connected to, which settings hold, what is wrong,
and what to do about it. It sends one HEAD request, and none to a gRPC target,
such as grpc://orders.prod:50051.

  --json                   prints the result for programs
  --no-dial                connects to no endpoint, and sends no request
  --no-request             connects, but sends no request
  --fail-on problem|advice
                           what makes it end with 1; problem by default
  -o, --option NAME=VALUE  sets an option, such as dns.maxTtl=5s; repeatable
  --settings               lists all settings, and where each comes from
  --watch                  looks again every 5 seconds, and prints what it finds
                           when that has changed; Ctrl+C ends it

Ends with 0 when all is well, 1 when there are problems, 2 when called wrongly.
Each finding names the part of docs/doctor.md that is about it.

  kubectl exec deploy/checkout -- \\
    npx --no-install evenkeel doctor http://orders.prod:8080/
`,
  explain: `Usage: evenkeel explain URL [options]

Sends one request as an app at this place would, and tells its story: what the
name led to, which pods could have had it, why or why not, who was chosen, and
what took how long.

  -X, --request METHOD     GET by default, or POST with --data
  -H, --header 'N: V'      a header; repeatable
  -d, --data TEXT          a body
  -o, --option NAME=VALUE  sets an option, such as spread=4; repeatable

Ends with 0 when there was a response, 1 when there was none, 2 when called
wrongly.

  kubectl exec deploy/checkout -- \\
    npx --no-install evenkeel explain http://orders.prod:8080/
`,
  rbac: `Usage: evenkeel rbac [options]

Prints the rights that reading EndpointSlices takes, for kubectl apply -f -

  -n, --namespace NS        where the Services are; 'default' by default.
                            Repeat it for more than one namespace
  --service-account NAME    whose rights: NAME of that namespace, NS:NAME, or
                            'NS:*' for all accounts of a namespace; 'default'
                            by default. Repeat it for more than one account
  --cluster                 for the Services of all namespaces

  npx --no-install evenkeel rbac -n prod --service-account shop:checkout |
    kubectl apply -f -
`,
  top: `Usage: evenkeel top [PORT | HOST:PORT] [options]

Shows the requests, the latency and the state of each pod, as they change, of a
process that serves the admin page there (EVENKEEL_ADMIN); 9909 by default.
Ctrl+C ends it.

  --once  shows it once, over one second; so does a pipe

  kubectl port-forward deploy/checkout 9909 &
  npx --no-install evenkeel top
`,
};
