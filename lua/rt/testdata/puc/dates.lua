for _, t in ipairs({0, 1, 86399, 951782400, 1700000000, 1709164800, 1704067200, 1735603200, 4102444799, 1230768000, 1072915200}) do
  for _, f in ipairs({"%a %A %b %B %c %d %D %e %F %H %I %j %m %M %n %p %r %R %S %t %T %u %U %V %G %g %w %W %x %X %y %Y %C %h %%", "plain", ""}) do print(os.date("!" .. f, t)) end
  local d = os.date("!*t", t) print(d.year, d.month, d.day, d.hour, d.min, d.sec, d.wday, d.yday, d.isdst)
  local l = os.date("*t", t) print(os.time(l) == t, os.time({year = d.year, month = d.month, day = d.day, hour = d.hour, min = d.min, sec = d.sec}) - t == os.time(os.date("!*t", t)) - t)
end
print(os.time({year = 2024, month = 1, day = 1}) == os.time({year = 2024, month = 1, day = 1, hour = 12}), os.time({year = 2024, month = 14, day = -3, hour = 30}) == os.time({year = 2025, month = 1, day = 29, hour = 6}))
print(type(os.time()), type(os.clock()), os.difftime(10, 4), os.getenv("no such variable"), pcall(os.time, {year = 2024}) == false, type(os.date()))
