/** How the command and its parts are used, for terminals of 80 columns. */
export const USAGE = `Usage: evenkeel <command>

  demo     shows a scale-out on this machine, with evenkeel and without
  doctor   shows where a URL leads from here, and what is wrong
  explain  sends one request, and tells its story
  rbac     prints a role that lets evenkeel read EndpointSlices
  top      shows live what evenkeel does in a process with EVENKEEL_ADMIN

evenkeel <command> --help tells you more; --version prints the version.
`;

export const USAGES = {
  demo: `Usage: evenkeel demo [options]

Shows a scale-out on this machine: a stock undici Agent and evenkeel send the
same load to three pods, then to six.

  --grpc       calls the pods by gRPC instead: with the round_robin of
               @grpc/grpc-js, which must be installed, and with evenkeel
  --seconds N  how long it takes: 2 to 300, 15 by default; 120 with --page
  --page       also serves the live page, at http://127.0.0.1:9909/
  --json       prints only the result
`,
  doctor: `Usage: evenkeel doctor URL... [options]

Looks at each URL as an app in this place would. Shows where its name leads and
why, to which endpoints evenkeel can connect, which settings it uses, what is
wrong, and what you can do about it. Sends one HEAD request, but none to a gRPC
target such as grpc://orders.prod:50051.

  --json                   prints the result for programs
  --no-dial                connects to no endpoint, and sends no request
  --no-request             connects, but sends no request
  --fail-on problem|advice
                           ends with 1 if it finds one; problem by default
  -o, --option NAME=VALUE  sets an option, such as dns.maxTtl=5s; repeatable
  --settings               lists all settings, and where each comes from
  --watch                  looks again every 5 seconds, and prints a report when
                           something has changed; Ctrl+C ends it

Ends with 0 if all is well, 1 if there are problems, 2 if you call it wrongly.
Each finding says which part of docs/doctor.md explains it.

  kubectl exec deploy/checkout -- \\
    npx --no-install evenkeel doctor http://orders.prod:8080/
`,
  explain: `Usage: evenkeel explain URL [options]

Sends one request as an app in this place would, and tells its story: where the
name led, which pods could get the request and which could not, which pod got it
and why, and how long each step took.

  -X, --request METHOD     GET by default, or POST with --data
  -H, --header 'N: V'      a header; repeatable
  -d, --data TEXT          a body
  -o, --option NAME=VALUE  sets an option, such as spread=4; repeatable

Ends with 0 if there was a response, 1 if there was none, 2 if you call it
wrongly.

  kubectl exec deploy/checkout -- \\
    npx --no-install evenkeel explain http://orders.prod:8080/
`,
  rbac: `Usage: evenkeel rbac [options]

Prints a role that lets evenkeel read EndpointSlices, for kubectl apply -f -

  -n, --namespace NS        where the Services are; 'default' by default.
                            Repeat it for more than one namespace
  --service-account NAME    who gets the role: NAME of that namespace, NS:NAME,
                            or 'NS:*' for all accounts of a namespace; 'default'
                            by default. Repeat it for more than one account
  --cluster                 for the Services of all namespaces

  npx --no-install evenkeel rbac -n prod --service-account shop:checkout |
    kubectl apply -f -
`,
  top: `Usage: evenkeel top [PORT | HOST:PORT] [options]

Shows live the requests, the latency and the state of each pod, for a process
that serves the admin page on that port (EVENKEEL_ADMIN); 9909 by default.
Ctrl+C ends it.

  --once  shows one second, and ends; so does a pipe

  kubectl port-forward deploy/checkout 9909 &
  npx --no-install evenkeel top
`,
};
