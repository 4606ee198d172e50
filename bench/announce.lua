-- Announces for wrk, from the file that bench/workload.py wrote: one a line, passkey and query.
--
-- Environment, set by bench/run.py:
--   ANNOUNCES  the file
--   URL_PATH   /announce, or /{passkey}/announce
--   KEEP       1: connections are kept alive; 0: a connection for each announce
--   START      number of the first announce of this run
--   STEP       bytes by which the counters of an announce grow with its number
--   HEADERS    the headers, with {connection} in them

local threads = {}

function setup(thread)
  threads[#threads + 1] = thread
end

function init()
  local connection = os.getenv("KEEP") == "1" and "keep-alive" or "close"
  local headers = os.getenv("HEADERS"):gsub("{connection}", connection)
  local path = os.getenv("URL_PATH")
  requests = {}
  for line in io.lines(os.getenv("ANNOUNCES")) do
    local passkey, query = line:match("^(%S+) (%S+)$")
    requests[#requests + 1] = "GET " .. path:gsub("{passkey}", passkey) .. "?" .. query .. " HTTP/1.1\r\n" .. headers
  end
  number = tonumber(os.getenv("START"))
  step = tonumber(os.getenv("STEP"))
end

function request()
  local template = requests[number % #requests + 1]
  number = number + 1
  return (template:gsub("{counter}", string.format("%d", number * step)))
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\n{"answers": %d, "bytes": %d, "seconds": %.6f, "next": %d, "latency_us": %.1f, "errors": '
      .. '{"connect": %d, "read": %d, "write": %d, "timeout": %d, "status": %d}}\n',
    summary.requests, summary.bytes, summary.duration / 1e6, threads[1]:get("number"), latency:percentile(50),
    errors.connect, errors.read, errors.write, errors.timeout, errors.status))
end
