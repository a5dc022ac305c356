// Made by deno task console from sources with the hash 78c8f1de565df135e1081d1d
var si = function (e, t, l, n) {
    var o;
    t[0] = 0;
    for (var i = 1; i < t.length; i++) {
      var a = t[i++], u = t[i] ? (t[0] |= a ? 1 : 2, l[t[i++]]) : t[++i];
      a === 3
        ? n[0] = u
        : a === 4
        ? n[1] = Object.assign(n[1] || {}, u)
        : a === 5
        ? (n[1] = n[1] || {})[t[++i]] = u
        : a === 6
        ? n[1][t[++i]] += u + ""
        : a
        ? (o = e.apply(u, si(e, u, l, ["", null])), n.push(o), u[0] ? t[0] |= 2 : (t[i - 2] = 0, t[i] = o))
        : n.push(u);
    }
    return n;
  },
  oi = new Map();
function Po(e) {
  var t = oi.get(this);
  return t || (t = new Map(), oi.set(this, t)),
    (t = si(
        this,
        t.get(e) || (t.set(
          e,
          t = function (l) {
            for (
              var n,
                o,
                i = 1,
                a = "",
                u = "",
                p = [0],
                d = function (w) {
                  i === 1 && (w || (a = a.replace(/^\s*\n\s*|\s*\n\s*$/g, "")))
                    ? p.push(0, w, a)
                    : i === 3 && (w || a)
                    ? (p.push(3, w, a), i = 2)
                    : i === 2 && a === "..." && w
                    ? p.push(4, w, 0)
                    : i === 2 && a && !w
                    ? p.push(5, 0, !0, a)
                    : i >= 5 &&
                      ((a || !w && i === 5) && (p.push(i, 0, a, o), i = 6), w && (p.push(i, w, 0, o), i = 6)),
                    a = "";
                },
                _ = 0;
              _ < l.length;
              _++
            ) {
              _ && (i === 1 && d(), d(_));
              for (var m = 0; m < l[_].length; m++) {
                n = l[_][m],
                  i === 1
                    ? n === "<" ? (d(), p = [p], i = 3) : a += n
                    : i === 4
                    ? a === "--" && n === ">" ? (i = 1, a = "") : a = n + a[0]
                    : u
                    ? n === u ? u = "" : a += n
                    : n === '"' || n === "'"
                    ? u = n
                    : n === ">"
                    ? (d(), i = 1)
                    : i && (n === "="
                      ? (i = 5, o = a, a = "")
                      : n === "/" && (i < 5 || l[_][m + 1] === ">")
                      ? (d(), i === 3 && (p = p[0]), i = p, (p = p[0]).push(2, 0, i), i = 0)
                      : n === " " || n === "	" || n === `
` ||
                          n === "\r"
                      ? (d(), i = 2)
                      : a += n),
                  i === 3 && a === "!--" && (i = 4, p = p[0]);
              }
            }
            return d(), p;
          }(e),
        ),
          t),
        arguments,
        [],
      )).length > 1
      ? t
      : t[0];
}
var _e,
  ai,
  nu,
  tn,
  Do,
  Hl,
  ui,
  Rl,
  ci,
  Oo,
  Lo,
  lu,
  hl = Symbol.for("pv"),
  Fl = {},
  zl = [],
  ou = /^m(i|n|o|s|text|space)$/,
  No = Array.isArray,
  Ro = zl.slice,
  wn = Object.assign;
function gn(e) {
  e && e.parentNode && e.remove();
}
function Wo(e, t, l) {
  var n, o, i, a = {}, u = arguments.length;
  for (i in t) i == "key" ? n = t[i] : i == "ref" && typeof e != "function" ? o = t[i] : a[i] = t[i];
  return u > 2 && (a.children = u > 3 ? Ro.call(arguments, 2) : l), pl(e, a, n, o, null);
}
function pl(e, t, l, n, o) {
  var i = {
    type: e,
    props: t,
    key: l,
    ref: n,
    __k: null,
    __: null,
    __b: 0,
    __e: null,
    __c: null,
    constructor: hl,
    __v: o || ++ai,
    __i: -1,
    __u: 0,
  };
  return !o && _e.vnode && _e.vnode(i), i;
}
function ql(e) {
  return e.children;
}
function Wl(e, t) {
  this.props = e, this.context = t, this.__g = 0;
}
function nn(e, t) {
  if (t == null) return e.__ && nn(e.__, e.__i + 1);
  for (var l; t < e.__k.length; t++) if ((l = e.__k[t]) && l.__e) return l.__e;
  return typeof e.type != "function" || e.props.__P ? null : nn(e);
}
function su(e) {
  var t, l = e.__v, n = l.__e, o = [], i = [], a = e.__P;
  a &&
    ((t = wn({ constructor: hl }, l)).__v = l.__v + 1,
      _e.vnode && _e.vnode(t),
      Vo(a, t, l, e.__n, a.namespaceURI, 32 & l.__u ? [n] : null, o, n || nn(l), 32 & l.__u, i),
      t.__v = l.__v,
      t.__.__k[t.__i] = t,
      mi(o, t, i),
      l.__ = l.__e = null,
      t.__e != n && fi(t));
}
function fi(e) {
  if ((e = e.__) && e.__c && !e.props.__P) {
    return e.__e = null,
      e.__k.some(function (t) {
        return t && (e.__e = t.__e);
      }),
      fi(e);
  }
}
function ii(e) {
  (8 & e.__g || (e.__g |= 8, tn.push(e), Hl++)) && Do == _e.debounceRendering ||
    ((Do = _e.debounceRendering) || queueMicrotask)(pi);
}
function pi() {
  try {
    for (var e, t = 1; tn.length;) {
      tn.length > t && tn.sort(ui), e = tn.shift(), t = tn.length, 8 & e.__g && su(e);
    }
  } finally {
    (Hl = tn.length) && (Do || queueMicrotask)(pi);
  }
}
function hi(e, t, l, n, o, i, a, u, p, d, _) {
  var m, w, g, x, A, M, D = n.__k || zl, b = t.length;
  for (p = iu(l, t, D, p, b), m = 0; m < b; m++) {
    (g = l.__k[m]) != null &&
      (w = ~g.__i && D[g.__i] || Fl,
        g.__i = m,
        M = Vo(e, g, w, o, i, a, u, p, d, _),
        x = g.__e,
        (w.ref != g.ref || 8 & w.__u) &&
        (w.ref && Ho(w.ref, null, g, w), g.ref && _.push(g.ref, g.__c || x, g)),
        A = A || x,
        4 & g.__u
          ? (p = di(g, p, e, !w.__v), w.__e && (w.__e = null))
          : typeof g.type == "function" && M !== void 0
          ? p = M
          : x && (p = x.nextSibling),
        g.__u &= -21);
  }
  return l.__e = A, p;
}
function iu(e, t, l, n, o) {
  var i, a, u, p, d, _, m, w, g, x = l.length, A = x, M = 0, D = 0, b = e.__k = Array(o);
  for (i = 0; i < o; i++) {
    (a = t[i]) != null && typeof a != "boolean" && typeof a != "function"
      ? (typeof a != "object" || a.constructor === String
        ? a = b[i] = pl(null, a)
        : No(a)
        ? a = b[i] = pl(ql, { children: a })
        : a.constructor === hl && a.__b
        ? a = b[i] = pl(a.type, a.props, a.key, a.ref, a.__v)
        : b[i] = a,
        p = i + M,
        a.__ = e,
        a.__b = e.__b + 1,
        u = null,
        ~(d = a.__i = ru(a, l, p, A)) && (A--, (u = l[d]) && (u.__u |= 2)),
        u && u.__v
          ? (a.__u |= 16, d == p - 1 ? M-- : d == p + 1 ? M++ : d != p && (d > p ? M-- : M++, D = 1))
          : (~d || (o > x ? M-- : o < x && M++), typeof a.type != "function" && (a.__u |= 4)))
      : b[i] = null;
  }
  if (D) {
    for (_ = [], m = [], i = 0; i < o; i++) {
      if ((a = b[i]) && 16 & a.__u) {
        for (M = 0, w = _.length; M < w;) _[g = M + w >> 1] < a.__i ? M = g + 1 : w = g;
        _[M] = a.__i, m[i] = M + 1;
      }
    }
    for (M = _.length; i--;) m[i] && (m[i] == M ? M-- : b[i].__u |= 4);
  }
  if (A) { for (i = 0; i < x; i++) !(u = l[i]) || 2 & u.__u || (u.__e == n && (n = nn(u)), Fo(u, u)); }
  return n;
}
function di(e, t, l, n) {
  var o, i, a, u;
  if (typeof e.type == "function") {
    if (e.props.__P) return t;
    if (o = e.__k) { for (i = 0; i < o.length; i++) o[i] && (o[i].__ = e, t = di(o[i], t, l, !1)); }
    return t;
  }
  for (
    t && !t.parentNode && (t = nn(e)) && !t.parentNode && (t = null), a = e.__e, u = t;
    u && u.nodeType == 8;
  ) u = u.nextSibling;
  for (
    a != u && (!n && l.moveBefore && a.parentNode ? l.moveBefore(a, t) : l.insertBefore(a, t || null)), t = a;
    (t = t && t.nextSibling) && t.nodeType == 8 && !t.data.startsWith("$s");
  );
  return t;
}
function ru(e, t, l, n) {
  var o, i = e.key, a = e.type, u = t[l], p = u && !(2 & u.__u);
  if (u === null && i == null || p && i == u.key && a == u.type) return l;
  if (n > (p ? 1 : 0)) {
    for (o = l - 1; o >= 0; o--) if ((u = t[o]) && !(2 & u.__u) && i == u.key && a == u.type) return o;
    for (o = l + 1; o < t.length; o++) if ((u = t[o]) && !(2 & u.__u) && i == u.key && a == u.type) return o;
  }
  return -1;
}
function ri(e, t, l) {
  l == null && (l = ""), t[0] == "-" ? e.setProperty(t, l) : e[t] = l;
}
function Nl(e, t, l, n, o) {
  var i, a;
  if (t == "style") {
    if (typeof l == "string") e.style.cssText = l;
    else {
      if (typeof n == "string" && (e.style.cssText = n = ""), n) {
        for (t in n) {
          l && t in l || ri(e.style, t);
        }
      }
      if (l) { for (t in l) n && l[t] == n[t] || ri(e.style, t, l[t]); }
    }
  } else if (t[0] == "o" && t[1] == "n") {
    typeof l != "function" && (l = null),
      typeof n != "function" && (n = null),
      (e.__e || (e.__e = {}))[t] = l,
      l && n ||
      (a = Lo[t] || (Lo[t] = au(t)),
        (e.__a || (e.__a = {}))[t] = Oo,
        i = t != (t = t.replace(ci, "$1")),
        (t = t.slice(2))[0] < "a" && (t = t.toLowerCase()),
        l ? e.addEventListener(t, a, i) : e.removeEventListener(t, a, i));
  } else {
    if (o == "http://www.w3.org/2000/svg") t = t.replace(/xlink(H|:h)/, "h").replace(/sName$/, "s");
    else if (
      t != "width" && t != "height" && t != "href" && t != "list" && t != "form" && t != "tabIndex" &&
      t != "download" && t != "rowSpan" && t != "colSpan" && t != "role" && t != "popover" && t in e
    ) {
      try {
        return void (e[t] = l ?? "");
      } catch {}
    }
    if (typeof l == "function") return;
    l == null || l === !1 && t[4] != "-"
      ? e.removeAttribute(t)
      : e.setAttribute(t, t == "popover" && l == 1 ? "" : l);
  }
}
function au(e) {
  return function (t) {
    var l = this.__e;
    if (l) {
      if (l = l[e], t[Rl] == null) t[Rl] = Oo++;
      else if (t[Rl] < this.__a[e]) return;
      return l(_e.event ? _e.event(t) : t);
    }
  };
}
function Vo(e, t, l, n, o, i, a, u, p, d) {
  var _, m, w, g, x, A, M, D, b, C, S, Y, R, K, I, Z, q, E, U = t.type;
  if (t.constructor !== hl) return null;
  128 & l.__u && (p = 32 & l.__u, _ = l.__c.__z) &&
  (t.__u |= p, m = i = [], _.nodeType == 8 ? u = Vl(_, i) : i.push(_), u = i[0] || u), (_ = _e.__b) && _(t);
  e: if (typeof U == "function") {
    w = a.length;
    try {
      if (
        D = t.props,
          b = (_ = U.prototype) && _.render,
          C = (_ = U.contextType) && n[_.__c],
          S = _ ? C ? C.props.value : _.__ : n,
          (g = l.__c)
            ? (t.__c = g, 2 & g.__g && (g.__g |= 1))
            : (b ? t.__c = g = new U(D, S) : (t.__c = g = new Wl(D, S), g.constructor = U, g.render = cu),
              C && C.sub(g),
              g.state || (g.state = {}),
              g.__n = n,
              g.__g |= 8,
              g.__h = [],
              g.__k = []),
          b &&
          (g.__s || (g.__s = g.state),
            U.getDerivedStateFromProps &&
            (g.__s == g.state && (g.__s = wn({}, g.__s)), wn(g.__s, U.getDerivedStateFromProps(D, g.__s)))),
          x = g.props,
          A = g.state,
          g.__v = t,
          l.__c
      ) {
        if (
          D !== x && b && !U.getDerivedStateFromProps && g.componentWillReceiveProps &&
          g.componentWillReceiveProps(D, S),
            t.__v == l.__v && !(8 & g.__g) ||
            !(4 & g.__g) && g.shouldComponentUpdate && g.shouldComponentUpdate(D, g.__s, S) === !1
        ) {
          t.__v != l.__v && (g.props = D, g.state = g.__s, g.__g &= -9),
            t.__e = l.__e,
            t.__k = l.__k,
            t.__k.some(function (L) {
              L && (L.__ = t);
            }),
            zl.push.apply(g.__h, g.__k),
            g.__k = [],
            g.__h.length && a.push(g),
            u = nn(l);
          break e;
        }
        g.componentWillUpdate && g.componentWillUpdate(D, g.__s, S),
          b && g.componentDidUpdate && g.__h.push(function () {
            g.componentDidUpdate(x, A, M);
          });
      } else {b && !U.getDerivedStateFromProps && g.componentWillMount && g.componentWillMount(),
          b && g.componentDidMount && g.__h.push(g.componentDidMount);}
      g.context = S, g.props = D, g.__P = e, g.__g &= -5, Y = _e.__r, R = b ? 25 : 0;
      do g.__g &= -9, Y && Y(t), _ = g.render(g.props, g.state = g.__s, g.context); while (
        8 & g.__g && ++R < 25
      );
      b && (zl.push.apply(g.__h, g.__k), g.__k = []),
        g.state = g.__s,
        g.getChildContext && (n = wn({}, n, g.getChildContext())),
        b && l.__c && g.getSnapshotBeforeUpdate && (M = g.getSnapshotBeforeUpdate(x, A)),
        K = _ && _.type === ql && _.key == null ? _.props.children : _,
        D.__P &&
        (_ = u,
          o = (e = D.__P).namespaceURI,
          p = i = null,
          l.props && l.props.__P != e && (l.__k.some(function (L) {
            L && Fo(L, L);
          }),
            l.__k = null),
          u = l.__k ? nn(l, 0) : null),
        u = hi(e, No(K) ? K : [K], t, l, n, o, i, a, u, p, d),
        D.__P && (t.__e = null, u = _),
        t.__u &= -161,
        m && m.some(gn),
        g.__h.length && a.push(g),
        1 & g.__g && (g.__g &= -4);
    } catch (L) {
      if (a.length = w, t.__v = null, p || i) {
        if (L && L.then) {
          if (t.__u |= 128 | p, i) {
            for (~(q = i.indexOf(u || void 0)) || (q = i.length); (E = i[q - 1]) && E.nodeType == 8;) q--;
            for (; q < i.length; q++) {
              if (E = i[q]) {
                if (i[q] = null, I) { if (E == Z) break; }
                else {
                  if (E.nodeType != 8) break;
                  E.data.startsWith("$s") && (Z = Vl(I = E));
                }
              }
            }
          }
          if (!I) {
            for (; u && u.nodeType == 8 && u.nextSibling;) u = u.nextSibling;
            I = u;
          }
          (_ = Vl(I = t.__c.__z || (t.__c.__z = I))) ? (t.__e = I, u = _) : t.__e = u, u = u && u.nextSibling;
        } else i && i.some(gn);
      } else t.__e = l.__e;
      t.__k || (t.__k = l.__k || []), L && L.then || _i(t), _e.__e(L, t, l);
    }
  } else u = t.__e = uu(l.__e, t, l, n, o, i, a, p, d, e);
  return (_ = _e.diffed) && _(t), u;
}
function Vl(e, t) {
  if (e && e.nodeType == 8 && e.data.startsWith("$s")) {
    for (var l = 1; e = e.nextSibling;) {
      if (e.nodeType == 8) {
        if (e.data.startsWith("$s")) l++;
        else if (e.data.startsWith("/$s") && !--l) return e;
      }
      t && t.push(e);
    }
  }
}
function _i(e) {
  e && (e.__c && (e.__c.__g |= 4), e.__k && e.__k.some(_i));
}
function mi(e, t, l) {
  for (var n = 0; n < l.length;) Ho(l[n++], l[n++], l[n++]);
  _e.__c && _e.__c(t, e),
    e.some(function (o) {
      try {
        e = o.__h,
          o.__h = [],
          e.some(function (i) {
            i.call(o);
          });
      } catch (i) {
        _e.__e(i, o.__v);
      }
    });
}
function uu(e, t, l, n, o, i, a, u, p, d) {
  var _, m, w, g, x, A, M, D, b = l.props || Fl, C = t.props, S = t.type;
  if (
    S == "svg"
      ? o = "http://www.w3.org/2000/svg"
      : S == "math"
      ? o = "http://www.w3.org/1998/Math/MathML"
      : o || (o = "http://www.w3.org/1999/xhtml"), i
  ) {
    for (_ = 0; _ < i.length; _++) {
      if ((x = i[_]) && (S ? x.localName == S : x.nodeType == 3)) {
        e = x, i[_] = null;
        break;
      }
    }
  }
  if (!e) {
    if (D = d.ownerDocument || document, !S) return D.createTextNode(C);
    e = D.createElementNS(o, S, C.is ? C : d), u && (_e.__m && _e.__m(t, i), u = !1), i = null;
  }
  if (S) {
    if (
      d = S == "template" && e.content || e,
        i = S == "textarea" && C.defaultValue != null ? null : i && Ro.call(d.childNodes),
        !u && i
    ) { for (b = {}, _ = 0; _ < e.attributes.length; _++) b[(x = e.attributes[_]).name] = x.value; }
    for (_ in b) {
      x = b[_],
        _ == "dangerouslySetInnerHTML"
          ? w = x
          : _ == "children" || _ in C || _ == "value" && "defaultValue" in C ||
            _ == "checked" && "defaultChecked" in C || Nl(e, _, null, x, o);
    }
    for (_ in C) {
      x = C[_],
        _ == "children"
          ? g = x
          : _ == "dangerouslySetInnerHTML"
          ? m = x
          : _ == "value"
          ? A = x
          : _ == "checked"
          ? M = x
          : u && typeof x != "function" || b[_] === x || Nl(e, _, x, b[_], o);
    }
    m
      ? (u || w && (m.__html == w.__html || m.__html == e.innerHTML) || (e.innerHTML = m.__html), t.__k = [])
      : (w && (e.textContent = ""),
        (S == "foreignObject" || o == "http://www.w3.org/1998/Math/MathML" && ou.test(S)) &&
        (o = "http://www.w3.org/1999/xhtml"),
        hi(d, No(g) ? g : [g], t, l, n, o, i, a, i ? i[0] : l.__k && nn(l, 0), u, p),
        i && i.some(gn)),
      u && S != "textarea" ||
      (_ = "value",
        S == "progress" && A == null
          ? e.removeAttribute(_)
          : A == null || A === e[_] && (S != "progress" || A) || Nl(e, _, A, b[_], o),
        _ = "checked",
        M != null && M != e[_] && Nl(e, _, M, b[_], o));
  } else b === C || u && e.data == C || (e.data = C);
  return e;
}
function Ho(e, t, l, n) {
  try {
    typeof e == "function"
      ? t
        ? t.__x = e(t) || 1
        : n && (n = n.__c || n.__e) && (t = n.__x) && (n.__x = null, typeof t == "function" ? t() : e(null))
      : e.current = t;
  } catch (o) {
    _e.__e(o, l);
  }
}
function Fo(e, t, l) {
  var n, o, i, a;
  if (
    _e.unmount && _e.unmount(e),
      !(n = e.ref) || n.current && n.current != e.__e || Ho(n, null, t, e),
      n = e.__c
  ) {
    if (n.componentWillUnmount) {
      try {
        n.componentWillUnmount();
      } catch (u) {
        _e.__e(u, t);
      }
    }
    n.__P = n.__n = null;
  }
  if (n = e.__k) {
    for (a = 0; a < n.length; a++) n[a] && Fo(n[a], t, typeof e.type != "function" || l && !e.props.__P);
  }
  !l && (n = e.__c) && (n = n.__z) && (o = Vl(n, i = [])) && (n == e.__e && i.some(gn), gn(o), gn(n)),
    l || gn(e.__e),
    e.__e = e.__c = e.__ = null;
}
function cu(e, t, l) {
  return this.constructor(e, l);
}
function zo(e, t) {
  var l, n, o, i;
  _e.__ && _e.__(e, t),
    t.nodeType == 9 && (t = t.documentElement),
    n = (l = e && 32 & e.__u) ? null : t.__k,
    t.__k = pl(ql, { children: [e] }),
    o = [],
    i = [],
    Vo(
      t,
      t.__k,
      n || Fl,
      Fl,
      t.namespaceURI,
      n ? null : t.firstChild ? Ro.call(t.childNodes) : null,
      o,
      n ? n.__e : t.firstChild,
      l,
      i,
    ),
    mi(o, t.__k, i),
    t.__k.props.children = null;
}
_e = {
  __e: function (e, t, l, n) {
    for (var o, i, a; t = t.__;) {
      if ((o = t.__c) && !(1 & o.__g)) {
        o.__g |= 4;
        try {
          if (
            (a = (i = o.constructor) && i.getDerivedStateFromError) &&
            o.setState(i.getDerivedStateFromError(e)),
              o.componentDidCatch && (o.componentDidCatch(e, n || {}), a = 1),
              a && 8 & o.__g
          ) return void (o.__g |= 2);
        } catch (u) {
          e = u;
        }
      }
    }
    throw Hl = 0, e;
  },
},
  ai = 0,
  nu = function (e) {
    return e != null && e.constructor === hl;
  },
  Wl.prototype.setState = function (e, t) {
    var l = this.__s;
    l && l != this.state || (l = this.__s = wn({}, this.state)),
      typeof e == "function" && (e = e(wn({}, l), this.props)),
      e && (wn(l, e), this.__v && (t && this.__k.push(t), ii(this)));
  },
  Wl.prototype.forceUpdate = function (e) {
    this.__v && (this.__g |= 4, e && this.__h.push(e), ii(this));
  },
  Wl.prototype.render = ql,
  tn = [],
  Hl = 0,
  ui = function (e, t) {
    return e.__v.__b - t.__v.__b;
  },
  Rl = Symbol(),
  ci = /(PointerCapture)$|Capture$/i,
  Oo = 0,
  Lo = {},
  lu = 0;
var _l,
  Ve,
  qo,
  gi,
  Io = Object.is,
  Il = 0,
  Ti = [],
  Uo = [],
  Le = _e,
  wi = Le.__b,
  vi = Le.__r,
  bi = Le.diffed,
  yi = Le.__c,
  $i = Le.unmount,
  Si = Le.__;
function Go(e, t) {
  Le.__h && Le.__h(Ve, e, Il || t), Il = 0;
  var l = Ve.__H || (Ve.__H = { __: [], __h: [] });
  return e >= l.__.length && l.__.push({}), l.__[e];
}
function fe(e) {
  return Il = 1, fu(Mi, e);
}
function fu(e, t, l) {
  var n = Go(_l++, 2);
  if (
    n.t = e,
      !n.__c && (n.__ = [l ? l(t) : Mi(void 0, t), function (i) {
        var a = (n.__N || n.__)[0], u = n.t(a, i);
        Io(a, u) || (n.__N = [u, n.__[1]], n.__c.setState({}));
      }],
        n.__c = Ve,
        !Ve.__f)
  ) {
    Ve.__f = !0;
    var o = Ve.shouldComponentUpdate;
    Ve.shouldComponentUpdate = function (i, a, u) {
      var p = this.__H;
      if (!p) return !0;
      var d = !1, _ = this.props != i;
      if (
        p.__.some(function (w) {
          w.__N && (d = !0, Io(w.__[0], w.__N[0]) || (_ = !0));
        }), o
      ) {
        var m = o.call(this, i, a, u);
        return d ? m || _ : m;
      }
      return !d || _;
    };
  }
  return n.__;
}
function Dt(e, t) {
  var l = Go(_l++, 3);
  !Le.__s && Ei(l.__H, t) && (l.__P = !0, l.__ = e, l.u = t, Ve.__H.__h.push(l));
}
function ln(e) {
  return Il = 5,
    pu(function () {
      return { current: e };
    }, []);
}
function pu(e, t) {
  var l = Go(_l++, 7);
  return Ei(l.__H, t) && (l.__ = e(), l.__H = t), l.__;
}
function hu() {
  var e;
  do {
    for (; e = Uo.shift();) {
      try {
        dl(e);
      } catch (l) {
        Le.__e(l, { __: (e = e.__P) && e.__v });
      }
    }
    for (; e = Ti.shift();) {
      var t = e.__H;
      if (e.__P && t) {
        try {
          t.__h.some(dl), t.__h.some(Bo), t.__h = [];
        } catch (l) {
          t.__h = [], Le.__e(l, e.__v);
        }
      }
    }
  } while (Uo.length);
}
Le.__b = function (e) {
  Ve = null, wi && wi(e);
},
  Le.__ = function (e, t) {
    e && t.__k && t.__k.__m && (e.__m = t.__k.__m), Si && Si(e, t);
  },
  Le.__r = function (e) {
    vi && vi(e), _l = 0;
    var t = (Ve = e.__c).__H;
    t &&
    (qo == Ve ? Ve.__h = [] : (t.__h.some(dl), t.__h.some(Bo), _l = 0),
      t.__h = [],
      t.__.some(function (l) {
        l.__N && (l.__ = l.__N), l.u = l.__N = void 0;
      })), qo = Ve;
  },
  Le.diffed = function (e) {
    bi && bi(e);
    var t = e.__c;
    t && t.__H && (t.__H.__h.length && xi(Ti.push(t)),
      t.__H.__.some(function (l) {
        l.u && (l.__H = l.u);
      })), qo = Ve = null;
  },
  Le.__c = function (e, t) {
    t.some(function (l) {
      try {
        l.__h.some(dl),
          l.__h = l.__h.filter(function (n) {
            return !n.__ || Bo(n);
          });
      } catch (n) {
        l.__h = [function () {
          throw n;
        }];
      }
    }), yi && yi(e, t);
  },
  Le.unmount = function (e) {
    $i && $i(e);
    var t, l, n = e.__c;
    n && n.__H && (n.__H.__.some(function (o) {
      try {
        if (o.__P && o.__c) {
          if (l === void 0) {
            for (l = e.__; l && (!l.__c || !l.__c.__P);) l = l.__;
            l = l && l.__c;
          }
          o.__P = l, xi(Uo.push(o));
        } else dl(o);
      } catch (i) {
        t = i;
      }
    }),
      n.__H = void 0,
      t && Le.__e(t, n.__v));
  };
var ki = typeof requestAnimationFrame == "function";
function du(e) {
  var t,
    l = function () {
      clearTimeout(n), ki && cancelAnimationFrame(t), setTimeout(e);
    },
    n = setTimeout(l, 35);
  ki && (t = requestAnimationFrame(l));
}
function xi(e) {
  e != 1 && gi == Le.requestAnimationFrame || ((gi = Le.requestAnimationFrame) || du)(hu);
}
function dl(e) {
  var t = Ve, l = e.__c;
  typeof l == "function" && (e.__c = void 0, l()), Ve = t;
}
function Bo(e) {
  var t = Ve;
  e.__c = e.__(), Ve = t;
}
function Ei(e, t) {
  return !e || e.length != t.length || t.some(function (l, n) {
    return !Io(l, e[n]);
  });
}
function Mi(e, t) {
  return typeof t == "function" ? t(e) : t;
}
var ze = "u-",
  _u = "uplot",
  mu = ze + "hz",
  gu = ze + "vt",
  wu = ze + "title",
  vu = ze + "wrap",
  bu = ze + "under",
  yu = ze + "over",
  $u = ze + "axis",
  yn = ze + "off",
  Su = ze + "select",
  ku = ze + "cursor-x",
  xu = ze + "cursor-y",
  Tu = ze + "cursor-pt",
  Eu = ze + "legend",
  Mu = ze + "live",
  Au = ze + "inline",
  Cu = ze + "series",
  Pu = ze + "marker",
  Ai = ze + "label",
  Du = ze + "value",
  wl = "width",
  vl = "height",
  ml = "top",
  Ci = "bottom",
  Gn = "left",
  jo = "right",
  cs = "#000",
  Pi = cs + "0",
  Yo = "mousemove",
  Di = "mousedown",
  Ko = "mouseup",
  Li = "mouseenter",
  Oi = "mouseleave",
  Ni = "dblclick",
  Lu = "resize",
  Ou = "scroll",
  Ri = "change",
  Yl = "dppxchange",
  fs = "--",
  Xn = typeof window < "u",
  es = Xn ? document : null,
  Yn = Xn ? window : null,
  Nu = Xn ? navigator : null,
  ie,
  Ul;
function ts() {
  let e = devicePixelRatio;
  ie != e &&
    (ie = e,
      Ul && ls(Ri, Ul, ts),
      Ul = matchMedia(`(min-resolution: ${ie - .001}dppx) and (max-resolution: ${ie + .001}dppx)`),
      $n(Ri, Ul, ts),
      Yn.dispatchEvent(new CustomEvent(Yl)));
}
function mt(e, t) {
  if (t != null) {
    let l = e.classList;
    !l.contains(t) && l.add(t);
  }
}
function ns(e, t) {
  let l = e.classList;
  l.contains(t) && l.remove(t);
}
function ve(e, t, l) {
  e.style[t] = l + "px";
}
function Lt(e, t, l, n) {
  let o = es.createElement(e);
  return t != null && mt(o, t), l?.insertBefore(o, n), o;
}
function xt(e, t) {
  return Lt("div", e, t);
}
var Wi = new WeakMap();
function It(e, t, l, n, o) {
  let i = "translate(" + t + "px," + l + "px)", a = Wi.get(e);
  i != a && (e.style.transform = i, Wi.set(e, i), t < 0 || l < 0 || t > n || l > o ? mt(e, yn) : ns(e, yn));
}
var Vi = new WeakMap();
function Hi(e, t, l) {
  let n = t + l, o = Vi.get(e);
  n != o && (Vi.set(e, n), e.style.background = t, e.style.borderColor = l);
}
var Fi = new WeakMap();
function zi(e, t, l, n) {
  let o = t + "" + l, i = Fi.get(e);
  o != i &&
    (Fi.set(e, o),
      e.style.height = l + "px",
      e.style.width = t + "px",
      e.style.marginLeft = n ? -t / 2 + "px" : 0,
      e.style.marginTop = n ? -l / 2 + "px" : 0);
}
var ps = { passive: !0 }, Ru = { ...ps, capture: !0 };
function $n(e, t, l, n) {
  t.addEventListener(e, l, n ? Ru : ps);
}
function ls(e, t, l, n) {
  t.removeEventListener(e, l, ps);
}
Xn && ts();
function Ot(e, t, l, n) {
  let o;
  l = l || 0, n = n || t.length - 1;
  let i = n <= 2147483647;
  for (; n - l > 1;) o = i ? l + n >> 1 : gt((l + n) / 2), t[o] < e ? l = o : n = o;
  return e - t[l] <= t[n] - e ? l : n;
}
function _r(e) {
  return (l, n, o) => {
    let i = -1, a = -1;
    for (let u = n; u <= o; u++) {
      if (e(l[u])) {
        i = u;
        break;
      }
    }
    for (let u = o; u >= n; u--) {
      if (e(l[u])) {
        a = u;
        break;
      }
    }
    return [i, a];
  };
}
var mr = (e) => e != null, gr = (e) => e != null && e > 0, Zl = _r(mr), Wu = _r(gr);
function Vu(e, t, l, n = 0, o = !1) {
  let i = o ? Wu : Zl, a = o ? gr : mr;
  [t, l] = i(e, t, l);
  let u = e[t], p = e[t];
  if (t > -1) {
    if (n == 1) u = e[t], p = e[l];
    else if (n == -1) u = e[l], p = e[t];
    else {for (let d = t; d <= l; d++) {
        let _ = e[d];
        a(_) && (_ < u ? u = _ : _ > p && (p = _));
      }}
  }
  return [u ?? pe, p ?? -pe];
}
function Ql(e, t, l, n) {
  let o = Ui(e), i = Ui(t);
  e == t && (o == -1 ? (e *= l, t /= l) : (e /= l, t *= l));
  let a = l == 10 ? jt : wr,
    u = o == 1 ? gt : Tt,
    p = i == 1 ? Tt : gt,
    d = u(a(Fe(e))),
    _ = p(a(Fe(t))),
    m = Kn(l, d),
    w = Kn(l, _);
  return l == 10 && (d < 0 && (m = he(m, -d)), _ < 0 && (w = he(w, -_))),
    n || l == 2 ? (e = m * o, t = w * i) : (e = $r(e, m), t = Xl(t, w)),
    [e, t];
}
function hs(e, t, l, n) {
  let o = Ql(e, t, l, n);
  return e == 0 && (o[0] = 0), t == 0 && (o[1] = 0), o;
}
var ds = .1, qi = { mode: 3, pad: ds }, yl = { pad: 0, soft: null, mode: 0 }, Hu = { min: yl, max: yl };
function Kl(e, t, l, n) {
  return eo(l) ? Ii(e, t, l) : (yl.pad = l, yl.soft = n ? 0 : null, yl.mode = n ? 3 : 0, Ii(e, t, Hu));
}
function oe(e, t) {
  return e ?? t;
}
function Fu(e, t, l) {
  for (t = oe(t, 0), l = oe(l, e.length - 1); t <= l;) {
    if (e[t] != null) return !0;
    t++;
  }
  return !1;
}
function Ii(e, t, l) {
  let n = l.min,
    o = l.max,
    i = oe(n.pad, 0),
    a = oe(o.pad, 0),
    u = oe(n.hard, -pe),
    p = oe(o.hard, pe),
    d = oe(n.soft, pe),
    _ = oe(o.soft, -pe),
    m = oe(n.mode, 0),
    w = oe(o.mode, 0),
    g = t - e,
    x = jt(g),
    A = ot(Fe(e), Fe(t)),
    M = jt(A),
    D = Fe(M - x);
  (g < 1e-24 || D > 10) &&
    (g = 0, (e == 0 || t == 0) && (g = 1e-24, m == 2 && d != pe && (i = 0), w == 2 && _ != -pe && (a = 0)));
  let b = g || A || 1e3,
    C = jt(b),
    S = Kn(10, gt(C)),
    Y = b * (g == 0 ? e == 0 ? .1 : 1 : i),
    R = he($r(e - Y, S / 10), 24),
    K = e >= d && (m == 1 || m == 3 && R <= d || m == 2 && R >= d) ? d : pe,
    I = ot(u, R < K && e >= K ? K : Nt(K, R)),
    Z = b * (g == 0 ? t == 0 ? .1 : 1 : a),
    q = he(Xl(t + Z, S / 10), 24),
    E = t <= _ && (w == 1 || w == 3 && q >= _ || w == 2 && q <= _) ? _ : -pe,
    U = Nt(p, q > E && t <= E ? E : ot(E, q));
  return I == U && I == 0 && (U = 100), [I, U];
}
var zu = new Intl.NumberFormat(Xn ? Nu.language : "en-US"),
  _s = (e) => zu.format(e),
  wt = Math,
  jl = wt.PI,
  Fe = wt.abs,
  gt = wt.floor,
  He = wt.round,
  Tt = wt.ceil,
  Nt = wt.min,
  ot = wt.max,
  Kn = wt.pow,
  Ui = wt.sign,
  jt = wt.log10,
  wr = wt.log2,
  qu = (e, t = 1) => wt.sinh(e) * t,
  Jo = (e, t = 1) => wt.asinh(e / t),
  pe = 1 / 0;
function Bi(e) {
  return (jt((e ^ e >> 31) - (e >> 31)) | 0) + 1;
}
function os(e, t, l) {
  return Nt(ot(e, t), l);
}
function vr(e) {
  return typeof e == "function";
}
function ee(e) {
  return vr(e) ? e : () => e;
}
var Iu = () => {},
  br = (e) => e,
  yr = (e, t) => t,
  Uu = (e) => null,
  Gi = (e) => !0,
  ji = (e, t) => e == t,
  Bu = /\.\d*?(?=9{6,}|0{6,})/gm,
  Sn = (e) => {
    if (kr(e) || sn.has(e)) return e;
    let t = `${e}`, l = t.match(Bu);
    if (l == null) return e;
    let n = l[0].length - 1;
    if (t.indexOf("e-") != -1) {
      let [o, i] = t.split("e");
      return +`${Sn(o)}e${i}`;
    }
    return he(e, n);
  };
function vn(e, t) {
  return Sn(he(Sn(e / t)) * t);
}
function Xl(e, t) {
  return Sn(Tt(Sn(e / t)) * t);
}
function $r(e, t) {
  return Sn(gt(Sn(e / t)) * t);
}
function he(e, t = 0) {
  if (kr(e)) return e;
  let l = 10 ** t, n = e * l * (1 + Number.EPSILON);
  return He(n) / l;
}
var sn = new Map();
function Sr(e) {
  return (("" + e).split(".")[1] || "").length;
}
function Sl(e, t, l, n) {
  let o = [], i = n.map(Sr);
  for (let a = t; a < l; a++) {
    let u = Fe(a), p = he(Kn(e, a), u);
    for (let d = 0; d < n.length; d++) {
      let _ = e == 10 ? +`${n[d]}e${a}` : n[d] * p,
        m = (a >= 0 ? 0 : u) + (a >= i[d] ? 0 : i[d]),
        w = e == 10 ? _ : he(_, m);
      o.push(w), sn.set(w, m);
    }
  }
  return o;
}
var $l = {}, ms = [], Jn = [null, null], on = Array.isArray, kr = Number.isInteger, Gu = (e) => e === void 0;
function Yi(e) {
  return typeof e == "string";
}
function eo(e) {
  let t = !1;
  if (e != null) {
    let l = e.constructor;
    t = l == null || l == Object;
  }
  return t;
}
function ju(e) {
  return e != null && typeof e == "object";
}
var Yu = Object.getPrototypeOf(Uint8Array), xr = "__proto__";
function Zn(e, t = eo) {
  let l;
  if (on(e)) {
    let n = e.find((o) => o != null);
    if (on(n) || t(n)) {
      l = Array(e.length);
      for (let o = 0; o < e.length; o++) l[o] = Zn(e[o], t);
    } else l = e.slice();
  } else if (e instanceof Yu) l = e.slice();
  else if (t(e)) {
    l = {};
    for (let n in e) n != xr && (l[n] = Zn(e[n], t));
  } else l = e;
  return l;
}
function Oe(e) {
  let t = arguments;
  for (let l = 1; l < t.length; l++) {
    let n = t[l];
    for (let o in n) o != xr && (eo(e[o]) ? Oe(e[o], Zn(n[o])) : e[o] = Zn(n[o]));
  }
  return e;
}
var Ku = 0, Ju = 1, Zu = 2;
function Qu(e, t, l) {
  for (let n = 0, o, i = -1; n < t.length; n++) {
    let a = t[n];
    if (a > i) {
      for (o = a - 1; o >= 0 && e[o] == null;) e[o--] = null;
      for (o = a + 1; o < l && e[o] == null;) e[i = o++] = null;
    }
  }
}
function Xu(e, t) {
  if (nc(e)) {
    let a = e[0].slice();
    for (let u = 1; u < e.length; u++) a.push(...e[u].slice(1));
    return lc(a[0]) || (a = tc(a)), a;
  }
  let l = new Set();
  for (let a = 0; a < e.length; a++) {
    let p = e[a][0], d = p.length;
    for (let _ = 0; _ < d; _++) l.add(p[_]);
  }
  let n = [Array.from(l).sort((a, u) => a - u)], o = n[0].length, i = new Map();
  for (let a = 0; a < o; a++) i.set(n[0][a], a);
  for (let a = 0; a < e.length; a++) {
    let u = e[a], p = u[0];
    for (let d = 1; d < u.length; d++) {
      let _ = u[d], m = Array(o).fill(void 0), w = t ? t[a][d] : Ju, g = [];
      for (let x = 0; x < _.length; x++) {
        let A = _[x], M = i.get(p[x]);
        A === null ? w != Ku && (m[M] = A, w == Zu && g.push(M)) : m[M] = A;
      }
      Qu(m, g, o), n.push(m);
    }
  }
  return n;
}
var ec = typeof queueMicrotask > "u" ? (e) => Promise.resolve().then(e) : queueMicrotask;
function tc(e) {
  let t = e[0], l = t.length, n = Array(l);
  for (let i = 0; i < n.length; i++) n[i] = i;
  n.sort((i, a) => t[i] - t[a]);
  let o = [];
  for (let i = 0; i < e.length; i++) {
    let a = e[i], u = Array(l);
    for (let p = 0; p < l; p++) u[p] = a[n[p]];
    o.push(u);
  }
  return o;
}
function nc(e) {
  let t = e[0][0], l = t.length;
  for (let n = 1; n < e.length; n++) {
    let o = e[n][0];
    if (o.length != l) return !1;
    if (o != t) { for (let i = 0; i < l; i++) if (o[i] != t[i]) return !1; }
  }
  return !0;
}
function lc(e, t = 100) {
  let l = e.length;
  if (l <= 1) return !0;
  let n = 0, o = l - 1;
  for (; n <= o && e[n] == null;) n++;
  for (; o >= n && e[o] == null;) o--;
  if (o <= n) return !0;
  let i = ot(1, gt((o - n + 1) / t));
  for (let a = e[n], u = n + i; u <= o; u += i) {
    let p = e[u];
    if (p != null) {
      if (p <= a) return !1;
      a = p;
    }
  }
  return !0;
}
var Tr = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
  ],
  Er = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
function Mr(e) {
  return e.slice(0, 3);
}
var oc = Er.map(Mr), sc = Tr.map(Mr), ic = { MMMM: Tr, MMM: sc, WWWW: Er, WWW: oc };
function gl(e) {
  return (e < 10 ? "0" : "") + e;
}
function rc(e) {
  return (e < 10 ? "00" : e < 100 ? "0" : "") + e;
}
var ac = {
  YYYY: (e) => e.getFullYear(),
  YY: (e) => (e.getFullYear() + "").slice(2),
  MMMM: (e, t) => t.MMMM[e.getMonth()],
  MMM: (e, t) => t.MMM[e.getMonth()],
  MM: (e) => gl(e.getMonth() + 1),
  M: (e) => e.getMonth() + 1,
  DD: (e) => gl(e.getDate()),
  D: (e) => e.getDate(),
  WWWW: (e, t) => t.WWWW[e.getDay()],
  WWW: (e, t) => t.WWW[e.getDay()],
  HH: (e) => gl(e.getHours()),
  H: (e) => e.getHours(),
  h: (e) => {
    let t = e.getHours();
    return t == 0 ? 12 : t > 12 ? t - 12 : t;
  },
  AA: (e) => e.getHours() >= 12 ? "PM" : "AM",
  aa: (e) => e.getHours() >= 12 ? "pm" : "am",
  a: (e) => e.getHours() >= 12 ? "p" : "a",
  mm: (e) => gl(e.getMinutes()),
  m: (e) => e.getMinutes(),
  ss: (e) => gl(e.getSeconds()),
  s: (e) => e.getSeconds(),
  fff: (e) => rc(e.getMilliseconds()),
};
function gs(e, t) {
  t = t || ic;
  let l = [], n = /\{([a-z]+)\}|[^{]+/gi, o;
  for (; o = n.exec(e);) l.push(o[0][0] == "{" ? ac[o[1]] : o[0]);
  return (i) => {
    let a = "";
    for (let u = 0; u < l.length; u++) a += typeof l[u] == "string" ? l[u] : l[u](i, t);
    return a;
  };
}
var uc = new Intl.DateTimeFormat().resolvedOptions().timeZone;
function cc(e, t) {
  let l;
  return t == "UTC" || t == "Etc/UTC"
    ? l = new Date(+e + e.getTimezoneOffset() * 6e4)
    : t == uc
    ? l = e
    : (l = new Date(e.toLocaleString("en-US", { timeZone: t })), l.setMilliseconds(e.getMilliseconds())),
    l;
}
var Ar = (e) => e % 1 == 0,
  Jl = [1, 2, 2.5, 5],
  fc = Sl(10, -32, 0, Jl),
  Cr = Sl(10, 0, 32, Jl),
  pc = Cr.filter(Ar),
  bn = fc.concat(Cr),
  ws = `
`,
  Pr = "{YYYY}",
  Ki = ws + Pr,
  Dr = "{M}/{D}",
  bl = ws + Dr,
  Bl = bl + "/{YY}",
  Lr = "{aa}",
  hc = "{h}:{mm}",
  jn = hc + Lr,
  Ji = ws + jn,
  Zi = ":{ss}",
  ae = null;
function Or(e) {
  let t = e * 1e3,
    l = t * 60,
    n = l * 60,
    o = n * 24,
    i = o * 30,
    a = o * 365,
    p = (e == 1 ? Sl(10, 0, 3, Jl).filter(Ar) : Sl(10, -3, 0, Jl)).concat([
      t,
      t * 5,
      t * 10,
      t * 15,
      t * 30,
      l,
      l * 5,
      l * 10,
      l * 15,
      l * 30,
      n,
      n * 2,
      n * 3,
      n * 4,
      n * 6,
      n * 8,
      n * 12,
      o,
      o * 2,
      o * 3,
      o * 4,
      o * 5,
      o * 6,
      o * 7,
      o * 8,
      o * 9,
      o * 10,
      o * 15,
      i,
      i * 2,
      i * 3,
      i * 4,
      i * 6,
      a,
      a * 2,
      a * 5,
      a * 10,
      a * 25,
      a * 50,
      a * 100,
    ]),
    d = [
      [a, Pr, ae, ae, ae, ae, ae, ae, 1],
      [o * 28, "{MMM}", Ki, ae, ae, ae, ae, ae, 1],
      [o, Dr, Ki, ae, ae, ae, ae, ae, 1],
      [n, "{h}" + Lr, Bl, ae, bl, ae, ae, ae, 1],
      [l, jn, Bl, ae, bl, ae, ae, ae, 1],
      [t, Zi, Bl + " " + jn, ae, bl + " " + jn, ae, Ji, ae, 1],
      [e, Zi + ".{fff}", Bl + " " + jn, ae, bl + " " + jn, ae, Ji, ae, 1],
    ];
  function _(m) {
    return (w, g, x, A, M, D) => {
      let b = [],
        C = M >= a,
        S = M >= i && M < a,
        Y = m(x),
        R = he(Y * e, 3),
        K = Zo(Y.getFullYear(), C ? 0 : Y.getMonth(), S || C ? 1 : Y.getDate()),
        I = he(K * e, 3);
      if (S || C) {
        let Z = S ? M / i : 0,
          q = C ? M / a : 0,
          E = R == I ? R : he(Zo(K.getFullYear() + q, K.getMonth() + Z, 1) * e, 3),
          U = new Date(He(E / e)),
          L = U.getFullYear(),
          G = U.getMonth();
        for (let z = 0; E <= A; z++) {
          let te = Zo(L + q * z, G + Z * z, 1), F = te - m(he(te * e, 3));
          E = he((+te + F) * e, 3), E <= A && b.push(E);
        }
      } else {
        let Z = M >= o ? o : M, q = gt(x) - gt(R), E = I + q + Xl(R - I, Z);
        b.push(E);
        let U = m(E),
          L = U.getHours() + U.getMinutes() / l + U.getSeconds() / n,
          G = M / n,
          z = w.axes[g]._space,
          te = D / z;
        for (; E = he(E + M, e == 1 ? 0 : 3), !(E > A);) {
          if (G > 1) {
            let F = gt(he(L + G, 6)) % 24, ne = m(E).getHours() - F;
            ne > 1 && (ne = -1), E -= ne * n, L = (L + G) % 24;
            let ue = b[b.length - 1];
            he((E - ue) / M, 3) * te >= .7 && b.push(E);
          } else b.push(E);
        }
      }
      return b;
    };
  }
  return [p, d, _];
}
var [dc, _c, mc] = Or(1), [gc, wc, vc] = Or(.001);
Sl(2, -53, 53, [1]);
function Qi(e, t) {
  return e.map((l) =>
    l.map((n, o) => o == 0 || o == 8 || n == null ? n : t(o == 1 || l[8] == 0 ? n : l[1] + n))
  );
}
function Xi(e, t) {
  return (l, n, o, i, a) => {
    let u = t.find((x) => a >= x[0]) || t[t.length - 1], p, d, _, m, w, g;
    return n.map((x) => {
      let A = e(x),
        M = A.getFullYear(),
        D = A.getMonth(),
        b = A.getDate(),
        C = A.getHours(),
        S = A.getMinutes(),
        Y = A.getSeconds(),
        R = M != p && u[2] || D != d && u[3] || b != _ && u[4] || C != m && u[5] || S != w && u[6] ||
          Y != g && u[7] || u[1];
      return p = M, d = D, _ = b, m = C, w = S, g = Y, R(A);
    });
  };
}
function bc(e, t) {
  let l = gs(t);
  return (n, o, i, a, u) => o.map((p) => l(e(p)));
}
function Zo(e, t, l) {
  return new Date(e, t, l);
}
function er(e, t) {
  return t(e);
}
var yc = "{YYYY}-{MM}-{DD} {h}:{mm}{aa}";
function tr(e, t) {
  return (l, n, o, i) => i == null ? fs : t(e(n));
}
function $c(e, t) {
  let l = e.series[t];
  return l.width ? l.stroke(e, t) : l.points.width ? l.points.stroke(e, t) : null;
}
function Sc(e, t) {
  return e.series[t].fill(e, t);
}
var kc = {
  show: !0,
  live: !0,
  isolate: !1,
  mount: Iu,
  markers: { show: !0, width: 2, stroke: $c, fill: Sc, dash: "solid" },
  idx: null,
  idxs: null,
  values: [],
};
function xc(e, t) {
  let l = e.cursor.points, n = xt(), o = l.size(e, t);
  ve(n, wl, o), ve(n, vl, o);
  let i = o / -2;
  ve(n, "marginLeft", i), ve(n, "marginTop", i);
  let a = l.width(e, t, o);
  return a && ve(n, "borderWidth", a), n;
}
function Tc(e, t) {
  let l = e.series[t].points;
  return l._fill || l._stroke;
}
function Ec(e, t) {
  let l = e.series[t].points;
  return l._stroke || l._fill;
}
function Mc(e, t) {
  return e.series[t].points.size;
}
var Qo = [0, 0];
function Ac(e, t, l) {
  return Qo[0] = t, Qo[1] = l, Qo;
}
function Gl(e, t, l, n = !0) {
  return (o) => {
    o.button == 0 && (!n || o.target == t) && l(o);
  };
}
function Xo(e, t, l, n = !0) {
  return (o) => {
    (!n || o.target == t) && l(o);
  };
}
var Cc = {
    show: !0,
    x: !0,
    y: !0,
    lock: !1,
    move: Ac,
    points: { one: !1, show: xc, size: Mc, width: 0, stroke: Ec, fill: Tc },
    bind: {
      mousedown: Gl,
      mouseup: Gl,
      click: Gl,
      dblclick: Gl,
      mousemove: Xo,
      mouseleave: Xo,
      mouseenter: Xo,
    },
    drag: {
      setScale: !0,
      x: !0,
      y: !1,
      dist: 0,
      uni: null,
      click: (e, t) => {
        t.stopPropagation(), t.stopImmediatePropagation();
      },
      _x: !1,
      _y: !1,
    },
    focus: { dist: (e, t, l, n, o) => n - o, prox: -1, bias: 0 },
    hover: { skip: [void 0], prox: null, bias: 0 },
    left: -10,
    top: -10,
    idx: null,
    dataIdx: null,
    idxs: null,
    event: null,
  },
  Nr = { show: !0, stroke: "rgba(0,0,0,0.07)", width: 2 },
  vs = Oe({}, Nr, { filter: yr }),
  Rr = Oe({}, vs, { size: 10 }),
  Wr = Oe({}, Nr, { show: !1 }),
  bs =
    '12px system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, "Noto Sans", sans-serif, "Apple Color Emoji", "Segoe UI Emoji", "Segoe UI Symbol", "Noto Color Emoji"',
  Vr = "bold " + bs,
  Hr = 1.5,
  nr = {
    show: !0,
    scale: "x",
    stroke: cs,
    space: 50,
    gap: 5,
    alignTo: 1,
    size: 50,
    labelGap: 0,
    labelSize: 30,
    labelFont: Vr,
    side: 2,
    grid: vs,
    ticks: Rr,
    border: Wr,
    font: bs,
    lineGap: Hr,
    rotate: 0,
  },
  Pc = "Value",
  Dc = "Time",
  lr = { show: !0, scale: "x", auto: !1, sorted: 1, min: pe, max: -pe, idxs: [] };
function Lc(e, t, l, n, o) {
  return t.map((i) => i == null ? "" : _s(i));
}
function Oc(e, t, l, n, o, i, a) {
  let u = [], p = sn.get(o) || 0;
  l = a ? l : he(Xl(l, o), p);
  for (let d = l; d <= n; d = he(d + o, p)) u.push(Object.is(d, -0) ? 0 : d);
  return u;
}
function ss(e, t, l, n, o, i, a) {
  let u = [], p = e.scales[e.axes[t].scale].log, d = p == 10 ? jt : wr, _ = gt(d(l));
  o = Kn(p, _), p == 10 && (o = bn[Ot(o, bn)]);
  let m = l, w = o * p;
  p == 10 && (w = bn[Ot(w, bn)]);
  do u.push(m),
    m = m + o,
    p == 10 && !sn.has(m) && (m = he(m, sn.get(o))),
    m >= w && (o = m, w = o * p, p == 10 && (w = bn[Ot(w, bn)])); while (m <= n);
  return u;
}
function Nc(e, t, l, n, o, i, a) {
  let p = e.scales[e.axes[t].scale].asinh,
    d = n > p ? ss(e, t, ot(p, l), n, o) : [p],
    _ = n >= 0 && l <= 0 ? [0] : [];
  return (l < -p ? ss(e, t, ot(p, -n), -l, o) : [p]).reverse().map((w) => -w).concat(_, d);
}
var Fr = /./,
  Rc = /[12357]/,
  Wc = /[125]/,
  or = /1/,
  is = (e, t, l, n) =>
    e.map((o, i) => t == 4 && o == 0 || i % n == 0 && l.test(o.toExponential()[o < 0 ? 1 : 0]) ? o : null);
function Vc(e, t, l, n, o) {
  let i = e.axes[l],
    a = i.scale,
    u = e.scales[a],
    p = e.valToPos,
    d = i._space,
    _ = p(10, a),
    m = p(9, a) - _ >= d ? Fr : p(7, a) - _ >= d ? Rc : p(5, a) - _ >= d ? Wc : or;
  if (m == or) {
    let w = Fe(p(1, a) - _);
    if (w < d) return is(t.slice().reverse(), u.distr, m, Tt(d / w)).reverse();
  }
  return is(t, u.distr, m, 1);
}
function Hc(e, t, l, n, o) {
  let i = e.axes[l], a = i.scale, u = i._space, p = e.valToPos, d = Fe(p(1, a) - p(2, a));
  return d < u ? is(t.slice().reverse(), 3, Fr, Tt(u / d)).reverse() : t;
}
function Fc(e, t, l, n) {
  return n == null ? fs : t == null ? "" : _s(t);
}
var sr = {
  show: !0,
  scale: "y",
  stroke: cs,
  space: 30,
  gap: 5,
  alignTo: 1,
  size: 50,
  labelGap: 0,
  labelSize: 30,
  labelFont: Vr,
  side: 3,
  grid: vs,
  ticks: Rr,
  border: Wr,
  font: bs,
  lineGap: Hr,
  rotate: 0,
};
function zc(e, t) {
  let l = 3 + (e || 1) * 2;
  return he(l * t, 3);
}
function qc(e, t) {
  let { scale: l, idxs: n } = e.series[0],
    o = e._data[0],
    i = e.valToPos(o[n[0]], l, !0),
    a = e.valToPos(o[n[1]], l, !0),
    u = Fe(a - i),
    p = e.series[t],
    d = u / (p.points.space * ie);
  return n[1] - n[0] <= d;
}
var ir = { scale: null, auto: !0, sorted: 0, min: pe, max: -pe },
  zr = (e, t, l, n, o) => o,
  rr = {
    show: !0,
    auto: !0,
    sorted: 0,
    gaps: zr,
    alpha: 1,
    facets: [Oe({}, ir, { scale: "x" }), Oe({}, ir, { scale: "y" })],
  },
  ar = {
    scale: "y",
    auto: !0,
    sorted: 0,
    show: !0,
    spanGaps: !1,
    gaps: zr,
    alpha: 1,
    points: { show: qc, filter: null },
    values: null,
    min: pe,
    max: -pe,
    idxs: [],
    path: null,
    clip: null,
  };
function Ic(e, t, l, n, o) {
  return l / 10;
}
var qr = { time: !0, auto: !0, distr: 1, log: 10, asinh: 1, min: null, max: null, dir: 1, ori: 0 },
  Uc = Oe({}, qr, { time: !1, ori: 1 }),
  ur = {};
function Ir(e, t) {
  let l = ur[e];
  return l || (l = {
    key: e,
    plots: [],
    sub(n) {
      l.plots.push(n);
    },
    unsub(n) {
      l.plots = l.plots.filter((o) => o != n);
    },
    pub(n, o, i, a, u, p, d) {
      for (let _ = 0; _ < l.plots.length; _++) l.plots[_] != o && l.plots[_].pub(n, o, i, a, u, p, d);
    },
  },
    e != null && (ur[e] = l)),
    l;
}
var Qn = 1, rs = 2;
function kn(e, t, l) {
  let n = e.mode,
    o = e.series[t],
    i = n == 2 ? e._data[t] : e._data,
    a = e.scales,
    u = e.bbox,
    p = i[0],
    d = n == 2 ? i[1] : i[t],
    _ = n == 2 ? a[o.facets[0].scale] : a[e.series[0].scale],
    m = n == 2 ? a[o.facets[1].scale] : a[o.scale],
    w = u.left,
    g = u.top,
    x = u.width,
    A = u.height,
    M = e.valToPosH,
    D = e.valToPosV;
  return _.ori == 0
    ? l(o, p, d, _, m, M, D, w, g, x, A, no, el, oo, Br, jr)
    : l(o, p, d, _, m, D, M, g, w, A, x, lo, tl, Ss, Gr, Yr);
}
function ys(e, t) {
  let l = 0, n = 0, o = oe(e.bands, ms);
  for (let i = 0; i < o.length; i++) {
    let a = o[i];
    a.series[0] == t ? l = a.dir : a.series[1] == t && (a.dir == 1 ? n |= 1 : n |= 2);
  }
  return [l, n == 1 ? -1 : n == 2 ? 1 : n == 3 ? 2 : 0];
}
function Bc(e, t, l, n, o) {
  let i = e.mode, a = e.series[t], u = i == 2 ? a.facets[1].scale : a.scale, p = e.scales[u];
  return o == -1 ? p.min : o == 1 ? p.max : p.distr == 3 ? p.dir == 1 ? p.min : p.max : 0;
}
function Yt(e, t, l, n, o, i) {
  return kn(e, t, (a, u, p, d, _, m, w, g, x, A, M) => {
    let D = a.pxRound, b = d.dir * (d.ori == 0 ? 1 : -1), C = d.ori == 0 ? el : tl, S, Y;
    b == 1 ? (S = l, Y = n) : (S = n, Y = l);
    let R = D(m(u[S], d, A, g)),
      K = D(w(p[S], _, M, x)),
      I = D(m(u[Y], d, A, g)),
      Z = D(w(i == 1 ? _.max : _.min, _, M, x)),
      q = new Path2D(o);
    return C(q, I, Z), C(q, R, Z), C(q, R, K), q;
  });
}
function to(e, t, l, n, o, i) {
  let a = null;
  if (e.length > 0) {
    a = new Path2D();
    let u = t == 0 ? oo : Ss, p = l;
    for (let m = 0; m < e.length; m++) {
      let w = e[m];
      if (w[1] > w[0]) {
        let g = w[0] - p;
        g > 0 && u(a, p, n, g, n + i), p = w[1];
      }
    }
    let d = l + o - p, _ = 10;
    d > 0 && u(a, p, n - _ / 2, d, n + i + _);
  }
  return a;
}
function Gc(e, t, l) {
  let n = e[e.length - 1];
  n && n[0] == t ? n[1] = l : e.push([t, l]);
}
function $s(e, t, l, n, o, i, a) {
  let u = [], p = e.length;
  for (let d = o == 1 ? l : n; d >= l && d <= n; d += o) {
    if (t[d] === null) {
      let m = d, w = d;
      if (o == 1) { for (; ++d <= n && t[d] === null;) w = d; }
      else for (; --d >= l && t[d] === null;) w = d;
      let g = i(e[m]), x = w == m ? g : i(e[w]), A = m - o;
      g = a <= 0 && A >= 0 && A < p ? i(e[A]) : g;
      let D = w + o;
      x = a >= 0 && D >= 0 && D < p ? i(e[D]) : x, x >= g && u.push([g, x]);
    }
  }
  return u;
}
function cr(e) {
  return e == 0 ? br : e == 1 ? He : (t) => vn(t, e);
}
function Ur(e) {
  let t = e == 0 ? no : lo,
    l = e == 0
      ? (o, i, a, u, p, d) => {
        o.arcTo(i, a, u, p, d);
      }
      : (o, i, a, u, p, d) => {
        o.arcTo(a, i, p, u, d);
      },
    n = e == 0
      ? (o, i, a, u, p) => {
        o.rect(i, a, u, p);
      }
      : (o, i, a, u, p) => {
        o.rect(a, i, p, u);
      };
  return (o, i, a, u, p, d = 0, _ = 0) => {
    d == 0 && _ == 0
      ? n(o, i, a, u, p)
      : (d = Nt(d, u / 2, p / 2),
        _ = Nt(_, u / 2, p / 2),
        t(o, i + d, a),
        l(o, i + u, a, i + u, a + p, d),
        l(o, i + u, a + p, i, a + p, _),
        l(o, i, a + p, i, a, _),
        l(o, i, a, i + u, a, d),
        o.closePath());
  };
}
var no = (e, t, l) => {
    e.moveTo(t, l);
  },
  lo = (e, t, l) => {
    e.moveTo(l, t);
  },
  el = (e, t, l) => {
    e.lineTo(t, l);
  },
  tl = (e, t, l) => {
    e.lineTo(l, t);
  },
  oo = Ur(0),
  Ss = Ur(1),
  Br = (e, t, l, n, o, i) => {
    e.arc(t, l, n, o, i);
  },
  Gr = (e, t, l, n, o, i) => {
    e.arc(l, t, n, o, i);
  },
  jr = (e, t, l, n, o, i, a) => {
    e.bezierCurveTo(t, l, n, o, i, a);
  },
  Yr = (e, t, l, n, o, i, a) => {
    e.bezierCurveTo(l, t, o, n, a, i);
  };
function Kr(e) {
  return (t, l, n, o, i) =>
    kn(t, l, (a, u, p, d, _, m, w, g, x, A, M) => {
      let { pxRound: D, points: b } = a, C, S;
      d.ori == 0 ? (C = no, S = Br) : (C = lo, S = Gr);
      let Y = he(b.width * ie, 3),
        R = (b.size - b.width) / 2 * ie,
        K = he(R * 2, 3),
        I = new Path2D(),
        Z = new Path2D(),
        { left: q, top: E, width: U, height: L } = t.bbox;
      oo(Z, q - K, E - K, U + K * 2, L + K * 2);
      let G = (z) => {
        if (p[z] != null) {
          let te = D(m(u[z], d, A, g)), F = D(w(p[z], _, M, x));
          C(I, te + R, F), S(I, te, F, R, 0, jl * 2);
        }
      };
      if (i) i.forEach(G);
      else for (let z = n; z <= o; z++) G(z);
      return { stroke: Y > 0 ? I : null, fill: I, clip: Z, flags: Qn | rs };
    });
}
function Jr(e) {
  return (t, l, n, o, i, a) => {
    n != o && (i != n && a != n && e(t, l, n), i != o && a != o && e(t, l, o), e(t, l, a));
  };
}
var jc = Jr(el), Yc = Jr(tl);
function Zr(e) {
  let t = oe(e?.alignGaps, 0);
  return (l, n, o, i) =>
    kn(l, n, (a, u, p, d, _, m, w, g, x, A, M) => {
      [o, i] = Zl(p, o, i);
      let D = a.pxRound, b = (L) => D(m(L, d, A, g)), C = (L) => D(w(L, _, M, x)), S, Y;
      d.ori == 0 ? (S = el, Y = jc) : (S = tl, Y = Yc);
      let R = d.dir * (d.ori == 0 ? 1 : -1),
        K = { stroke: new Path2D(), fill: null, clip: null, band: null, gaps: null, flags: Qn },
        I = K.stroke,
        Z = !1;
      if (i - o >= A * 4) {
        let L = (V) => l.posToVal(V, d.key, !0),
          G = null,
          z = null,
          te,
          F,
          st,
          be = b(u[R == 1 ? o : i]),
          ne = b(u[o]),
          ue = b(u[i]),
          Q = L(R == 1 ? ne + 1 : ue - 1);
        for (let V = R == 1 ? o : i; V >= o && V <= i; V += R) {
          let Re = u[V], ye = (R == 1 ? Re < Q : Re > Q) ? be : b(Re), re = p[V];
          ye == be
            ? re != null
              ? (F = re, G == null ? (S(I, ye, C(F)), te = G = z = F) : F < G ? G = F : F > z && (z = F))
              : re === null && (Z = !0)
            : (G != null && Y(I, be, C(G), C(z), C(te), C(F)),
              re != null ? (F = re, S(I, ye, C(F)), G = z = te = F) : (G = z = null, re === null && (Z = !0)),
              be = ye,
              Q = L(be + R));
        }
        G != null && G != z && st != be && Y(I, be, C(G), C(z), C(te), C(F));
      } else {for (let L = R == 1 ? o : i; L >= o && L <= i; L += R) {
          let G = p[L];
          G === null ? Z = !0 : G != null && S(I, b(u[L]), C(G));
        }}
      let [E, U] = ys(l, n);
      if (a.fill != null || E != 0) {
        let L = K.fill = new Path2D(I),
          G = a.fillTo(l, n, a.min, a.max, E),
          z = C(G),
          te = b(u[o]),
          F = b(u[i]);
        R == -1 && ([F, te] = [te, F]), S(L, F, z), S(L, te, z);
      }
      if (!a.spanGaps) {
        let L = [];
        Z && L.push(...$s(u, p, o, i, R, b, t)),
          K.gaps = L = a.gaps(l, n, o, i, L),
          K.clip = to(L, d.ori, g, x, A, M);
      }
      return U != 0 &&
        (K.band = U == 2 ? [Yt(l, n, o, i, I, -1), Yt(l, n, o, i, I, 1)] : Yt(l, n, o, i, I, U)),
        K;
    });
}
function Kc(e) {
  let t = oe(e.align, 1), l = oe(e.ascDesc, !1), n = oe(e.alignGaps, 0), o = oe(e.extend, !1);
  return (i, a, u, p) =>
    kn(i, a, (d, _, m, w, g, x, A, M, D, b, C) => {
      [u, p] = Zl(m, u, p);
      let S = d.pxRound,
        { left: Y, width: R } = i.bbox,
        K = (ne) => S(x(ne, w, b, M)),
        I = (ne) => S(A(ne, g, C, D)),
        Z = w.ori == 0 ? el : tl,
        q = { stroke: new Path2D(), fill: null, clip: null, band: null, gaps: null, flags: Qn },
        E = q.stroke,
        U = w.dir * (w.ori == 0 ? 1 : -1),
        L = I(m[U == 1 ? u : p]),
        G = K(_[U == 1 ? u : p]),
        z = G,
        te = G;
      o && t == -1 && (te = Y, Z(E, te, L)), Z(E, G, L);
      for (let ne = U == 1 ? u : p; ne >= u && ne <= p; ne += U) {
        let ue = m[ne];
        if (ue == null) continue;
        let Q = K(_[ne]), V = I(ue);
        t == 1 ? Z(E, Q, L) : Z(E, z, V), Z(E, Q, V), L = V, z = Q;
      }
      let F = z;
      o && t == 1 && (F = Y + R, Z(E, F, L));
      let [st, be] = ys(i, a);
      if (d.fill != null || st != 0) {
        let ne = q.fill = new Path2D(E), ue = d.fillTo(i, a, d.min, d.max, st), Q = I(ue);
        Z(ne, F, Q), Z(ne, te, Q);
      }
      if (!d.spanGaps) {
        let ne = [];
        ne.push(...$s(_, m, u, p, U, K, n));
        let ue = d.width * ie / 2, Q = l || t == 1 ? ue : -ue, V = l || t == -1 ? -ue : ue;
        ne.forEach((Re) => {
          Re[0] += Q, Re[1] += V;
        }),
          q.gaps = ne = d.gaps(i, a, u, p, ne),
          q.clip = to(ne, w.ori, M, D, b, C);
      }
      return be != 0 &&
        (q.band = be == 2 ? [Yt(i, a, u, p, E, -1), Yt(i, a, u, p, E, 1)] : Yt(i, a, u, p, E, be)),
        q;
    });
}
function fr(e, t, l, n, o, i, a = pe) {
  if (e.length > 1) {
    let u = null;
    for (let p = 0, d = 1 / 0; p < e.length; p++) {
      if (t[p] !== void 0) {
        if (u != null) {
          let _ = Fe(e[p] - e[u]);
          _ < d && (d = _, a = Fe(l(e[p], n, o, i) - l(e[u], n, o, i)));
        }
        u = p;
      }
    }
  }
  return a;
}
function Jc(e) {
  e = e || $l;
  let t = oe(e.size, [.6, pe, 1]), l = e.align || 0, n = e.gap || 0, o = e.radius;
  o = o == null ? [0, 0] : typeof o == "number" ? [o, 0] : o;
  let i = ee(o),
    a = 1 - t[0],
    u = oe(t[1], pe),
    p = oe(t[2], 1),
    d = oe(e.disp, $l),
    _ = oe(e.each, (g) => {}),
    { fill: m, stroke: w } = d;
  return (g, x, A, M) =>
    kn(g, x, (D, b, C, S, Y, R, K, I, Z, q, E) => {
      let U = D.pxRound, L = l, G = n * ie, z = u * ie, te = p * ie, F, st;
      S.ori == 0 ? [F, st] = i(g, x) : [st, F] = i(g, x);
      let be = S.dir * (S.ori == 0 ? 1 : -1),
        ne = S.ori == 0 ? oo : Ss,
        ue = S.ori == 0 ? _ : (N, de, We, Cn, un, Wt, cn) => {
          _(N, de, We, un, Cn, cn, Wt);
        },
        Q = oe(g.bands, ms).find((N) => N.series[0] == x),
        V = Q != null ? Q.dir : 0,
        Re = D.fillTo(g, x, D.min, D.max, V),
        Xe = U(K(Re, Y, E, Z)),
        ye,
        re,
        Et,
        ft = q,
        xe = U(D.width * ie),
        Rt = !1,
        Ut = null,
        vt = null,
        Kt = null,
        En = null;
      m != null && (xe == 0 || w != null) &&
        (Rt = !0,
          Ut = m.values(g, x, A, M),
          vt = new Map(),
          new Set(Ut).forEach((N) => {
            N != null && vt.set(N, new Path2D());
          }),
          xe > 0 && (Kt = w.values(g, x, A, M),
            En = new Map(),
            new Set(Kt).forEach((N) => {
              N != null && En.set(N, new Path2D());
            })));
      let { x0: Mn, size: ol } = d;
      if (Mn != null && ol != null) {
        L = 1,
          b = Mn.values(g, x, A, M),
          Mn.unit == 2 && (b = b.map((We) => g.posToVal(I + We * q, S.key, !0)));
        let N = ol.values(g, x, A, M);
        ol.unit == 2 ? re = N[0] * q : re = R(N[0], S, q, I) - R(0, S, q, I),
          ft = fr(b, C, R, S, q, I, ft),
          Et = ft - re + G;
      } else ft = fr(b, C, R, S, q, I, ft), Et = ft * a + G, re = ft - Et;
      Et < 1 && (Et = 0), xe >= re / 2 && (xe = 0), Et < 5 && (U = br);
      let xl = Et > 0, rn = ft - Et - (xl ? xe : 0);
      re = U(os(rn, te, z)),
        ye = (L == 0 ? re / 2 : L == be ? 0 : re) - L * be * ((L == 0 ? G / 2 : 0) + (xl ? xe / 2 : 0));
      let et = { stroke: null, fill: null, clip: null, band: null, gaps: null, flags: 0 },
        An = Rt ? null : new Path2D(),
        Bt = null;
      if (Q != null) Bt = g.data[Q.series[1]];
      else {
        let { y0: N, y1: de } = d;
        N != null && de != null && (C = de.values(g, x, A, M), Bt = N.values(g, x, A, M));
      }
      let an = F * re, J = st * re;
      for (let N = be == 1 ? A : M; N >= A && N <= M; N += be) {
        let de = C[N];
        if (de == null) continue;
        if (Bt != null) {
          let it = Bt[N] ?? 0;
          if (de - it == 0) continue;
          Xe = K(it, Y, E, Z);
        }
        let We = S.distr != 2 || d != null ? b[N] : N,
          Cn = R(We, S, q, I),
          un = K(oe(de, Re), Y, E, Z),
          Wt = U(Cn - ye),
          cn = U(ot(un, Xe)),
          pt = U(Nt(un, Xe)),
          bt = cn - pt;
        if (de != null) {
          let it = de < 0 ? J : an, Mt = de < 0 ? an : J;
          Rt
            ? (xe > 0 && Kt[N] != null && ne(En.get(Kt[N]), Wt, pt + gt(xe / 2), re, ot(0, bt - xe), it, Mt),
              Ut[N] != null && ne(vt.get(Ut[N]), Wt, pt + gt(xe / 2), re, ot(0, bt - xe), it, Mt))
            : ne(An, Wt, pt + gt(xe / 2), re, ot(0, bt - xe), it, Mt),
            ue(g, x, N, Wt - xe / 2, pt, re + xe, bt);
        }
      }
      return xe > 0
        ? et.stroke = Rt ? En : An
        : Rt || (et._fill = D.width == 0 ? D._fill : D._stroke ?? D._fill, et.width = 0),
        et.fill = Rt ? vt : An,
        et;
    });
}
function Zc(e, t) {
  let l = oe(t?.alignGaps, 0);
  return (n, o, i, a) =>
    kn(n, o, (u, p, d, _, m, w, g, x, A, M, D) => {
      [i, a] = Zl(d, i, a);
      let b = u.pxRound, C = (F) => b(w(F, _, M, x)), S = (F) => b(g(F, m, D, A)), Y, R, K;
      _.ori == 0 ? (Y = no, K = el, R = jr) : (Y = lo, K = tl, R = Yr);
      let I = _.dir * (_.ori == 0 ? 1 : -1), Z = C(p[I == 1 ? i : a]), q = Z, E = [], U = [];
      for (let F = I == 1 ? i : a; F >= i && F <= a; F += I) {
        if (d[F] != null) {
          let be = p[F], ne = C(be);
          E.push(q = ne), U.push(S(d[F]));
        }
      }
      let L = { stroke: e(E, U, Y, K, R, b), fill: null, clip: null, band: null, gaps: null, flags: Qn },
        G = L.stroke,
        [z, te] = ys(n, o);
      if (u.fill != null || z != 0) {
        let F = L.fill = new Path2D(G), st = u.fillTo(n, o, u.min, u.max, z), be = S(st);
        K(F, q, be), K(F, Z, be);
      }
      if (!u.spanGaps) {
        let F = [];
        F.push(...$s(p, d, i, a, I, C, l)),
          L.gaps = F = u.gaps(n, o, i, a, F),
          L.clip = to(F, _.ori, x, A, M, D);
      }
      return te != 0 &&
        (L.band = te == 2 ? [Yt(n, o, i, a, G, -1), Yt(n, o, i, a, G, 1)] : Yt(n, o, i, a, G, te)),
        L;
    });
}
function Qc(e) {
  return Zc(Xc, e);
}
function Xc(e, t, l, n, o, i) {
  let a = e.length;
  if (a < 2) return null;
  let u = new Path2D();
  if (l(u, e[0], t[0]), a == 2) n(u, e[1], t[1]);
  else {
    let p = Array(a), d = Array(a - 1), _ = Array(a - 1), m = Array(a - 1);
    for (let w = 0; w < a - 1; w++) _[w] = t[w + 1] - t[w], m[w] = e[w + 1] - e[w], d[w] = _[w] / m[w];
    p[0] = d[0];
    for (let w = 1; w < a - 1; w++) {
      d[w] === 0 || d[w - 1] === 0 || d[w - 1] > 0 != d[w] > 0
        ? p[w] = 0
        : (p[w] = 3 * (m[w - 1] + m[w]) / ((2 * m[w] + m[w - 1]) / d[w - 1] + (m[w] + 2 * m[w - 1]) / d[w]),
          isFinite(p[w]) || (p[w] = 0));
    }
    p[a - 1] = d[a - 2];
    for (let w = 0; w < a - 1; w++) {
      o(
        u,
        e[w] + m[w] / 3,
        t[w] + p[w] * m[w] / 3,
        e[w + 1] - m[w] / 3,
        t[w + 1] - p[w + 1] * m[w] / 3,
        e[w + 1],
        t[w + 1],
      );
    }
  }
  return u;
}
var as = new Set();
function pr() {
  for (let e of as) e.syncRect(!0);
}
Xn && ($n(Lu, Yn, pr),
  $n(Ou, Yn, pr, !0),
  $n(Yl, Yn, () => {
    Ke.pxRatio = ie;
  }));
var ef = Zr(), tf = Kr();
function hr(e, t, l, n) {
  return (n ? [e[0], e[1]].concat(e.slice(2)) : [e[0]].concat(e.slice(1))).map((i, a) => us(i, a, t, l));
}
function nf(e, t) {
  return e.map((l, n) => n == 0 ? {} : Oe({}, t, l));
}
function us(e, t, l, n) {
  return Oe({}, t == 0 ? l : n, e);
}
function Qr(e, t, l) {
  return t == null ? Jn : [t, l];
}
var lf = Qr;
function of(e, t, l) {
  return t == null ? Jn : Kl(t, l, ds, !0);
}
function Xr(e, t, l, n) {
  return t == null ? Jn : Ql(t, l, e.scales[n].log, !1);
}
var sf = Xr;
function ea(e, t, l, n) {
  return t == null ? Jn : hs(t, l, e.scales[n].log, !1);
}
var rf = ea;
function af(e, t, l, n, o) {
  let i = ot(Bi(e), Bi(t)), a = t - e, u = Ot(o / n * a, l);
  do {
    let p = l[u], d = n * p / a;
    if (d >= o && i + (p < 5 ? sn.get(p) : 0) <= 17) return [p, d];
  } while (++u < l.length);
  return [0, 0];
}
function dr(e) {
  let t, l;
  return e = e.replace(/(\d+)px/, (n, o) => (t = He((l = +o) * ie)) + "px"), [e, t, l];
}
function uf(e) {
  e.show && [e.font, e.labelFont].forEach((t) => {
    let l = he(t[2] * ie, 1);
    t[0] = t[0].replace(/[0-9.]+px/, l + "px"), t[1] = l;
  });
}
function Ke(e, t, l) {
  let n = { mode: oe(e.mode, 1) }, o = n.mode;
  function i(s, r, c, f) {
    let h = r.valToPct(s);
    return f + c * (r.dir == -1 ? 1 - h : h);
  }
  function a(s, r, c, f) {
    let h = r.valToPct(s);
    return f + c * (r.dir == -1 ? h : 1 - h);
  }
  function u(s, r, c, f) {
    return r.ori == 0 ? i(s, r, c, f) : a(s, r, c, f);
  }
  n.valToPosH = i, n.valToPosV = a;
  let p = !1;
  n.status = 0;
  let d = n.root = xt(_u);
  if (e.id != null && (d.id = e.id), mt(d, e.class), e.title) {
    let s = xt(wu, d);
    s.textContent = e.title;
  }
  let _ = Lt("canvas"), m = n.ctx = _.getContext("2d"), w = xt(vu, d);
  $n("click", w, (s) => {
    s.target === x && (me != zn || $e != qn) && Ze.click(n, s);
  }, !0);
  let g = n.under = xt(bu, w);
  w.appendChild(_);
  let x = n.over = xt(yu, w);
  e = Zn(e);
  let A = +oe(e.pxAlign, 1), M = cr(A);
  (e.plugins || []).forEach((s) => {
    s.opts && (e = s.opts(n, e) || e);
  });
  let D = e.ms || .001,
    b = n.series = o == 1 ? hr(e.series || [], lr, ar, !1) : nf(e.series || [null], rr),
    C = n.axes = hr(e.axes || [], nr, sr, !0),
    S = n.scales = {},
    Y = n.bands = e.bands || [];
  Y.forEach((s) => {
    s.fill = ee(s.fill || null), s.dir = oe(s.dir, -1);
  });
  let R = o == 2 ? b[1].facets[0].scale : b[0].scale,
    K = { axes: za, series: Ra },
    I = (e.drawOrder || ["axes", "series"]).map((s) => K[s]);
  function Z(s) {
    let r = s.distr == 3
      ? (c) => jt(c > 0 ? c : s.clamp(n, c, s.min, s.max, s.key))
      : s.distr == 4
      ? (c) => Jo(c, s.asinh)
      : s.distr == 100
      ? (c) => s.fwd(c)
      : (c) => c;
    return (c) => {
      let f = r(c), { _min: h, _max: v } = s, y = v - h;
      return (f - h) / y;
    };
  }
  function q(s) {
    let r = S[s];
    if (r == null) {
      let c = (e.scales || $l)[s] || $l;
      if (c.from != null) {
        q(c.from);
        let f = Oe({}, S[c.from], c, { key: s });
        f.valToPct = Z(f), S[s] = f;
      } else {
        r = S[s] = Oe({}, s == R ? qr : Uc, c), r.key = s;
        let f = r.time, h = r.range, v = on(h);
        if (
          (s != R || o == 2 && !f) &&
          (v && (h[0] == null || h[1] == null) &&
            (h = {
              min: h[0] == null ? qi : { mode: 1, hard: h[0], soft: h[0] },
              max: h[1] == null ? qi : { mode: 1, hard: h[1], soft: h[1] },
            },
              v = !1),
            !v && eo(h))
        ) {
          let y = h;
          h = (k, T, P) => T == null ? Jn : Kl(T, P, y);
        }
        r.range = ee(
          h ||
            (f
              ? lf
              : s == R
              ? r.distr == 3 ? sf : r.distr == 4 ? rf : Qr
              : r.distr == 3
              ? Xr
              : r.distr == 4
              ? ea
              : of),
        ),
          r.auto = ee(v ? !1 : r.auto),
          r.clamp = ee(r.clamp || Ic),
          r._min = r._max = null,
          r.valToPct = Z(r);
      }
    }
  }
  q("x"),
    q("y"),
    o == 1 && b.forEach((s) => {
      q(s.scale);
    }),
    C.forEach((s) => {
      q(s.scale);
    });
  for (let s in e.scales) q(s);
  let E = S[R], U = E.distr, L, G;
  E.ori == 0 ? (mt(d, mu), L = i, G = a) : (mt(d, gu), L = a, G = i);
  let z = {};
  for (let s in S) {
    let r = S[s];
    (r.min != null || r.max != null) && (z[s] = { min: r.min, max: r.max }, r.min = r.max = null);
  }
  let te = e.tzDate || ((s) => new Date(He(s / D))),
    F = e.fmtDate || gs,
    st = D == 1 ? mc(te) : vc(te),
    be = Xi(te, Qi(D == 1 ? _c : wc, F)),
    ne = tr(te, er(yc, F)),
    ue = [],
    Q = n.legend = Oe({}, kc, e.legend),
    V = n.cursor = Oe({}, Cc, { drag: { y: o == 2 } }, e.cursor),
    Re = Q.show,
    Xe = V.show,
    ye = Q.markers;
  Q.idxs = ue,
    ye.width = ee(ye.width),
    ye.dash = ee(ye.dash),
    ye.stroke = ee(ye.stroke),
    ye.fill = ee(ye.fill);
  let re, Et, ft, xe = [], Rt = [], Ut, vt = !1, Kt = {};
  if (Q.live) {
    let s = b[1] ? b[1].values : null;
    vt = s != null, Ut = vt ? s(n, 1, 0) : { _: 0 };
    for (let r in Ut) Kt[r] = fs;
  }
  if (Re) {
    if (re = Lt("table", Eu, d), ft = Lt("tbody", null, re), Q.mount(n, re), vt) {
      Et = Lt("thead", null, re, ft);
      let s = Lt("tr", null, Et);
      Lt("th", null, s);
      for (var En in Ut) Lt("th", Ai, s).textContent = En;
    } else mt(re, Au), Q.live && mt(re, Mu);
  }
  let Mn = { show: !0 }, ol = { show: !1 };
  function xl(s, r) {
    if (r == 0 && (vt || !Q.live || o == 2)) return Jn;
    let c = [], f = Lt("tr", Cu, ft, ft.childNodes[r]);
    mt(f, s.class), s.show || mt(f, yn);
    let h = Lt("th", null, f);
    if (ye.show) {
      let k = xt(Pu, h);
      if (r > 0) {
        let T = ye.width(n, r);
        T && (k.style.border = T + "px " + ye.dash(n, r) + " " + ye.stroke(n, r)),
          k.style.background = ye.fill(n, r);
      }
    }
    let v = xt(Ai, h);
    s.label instanceof HTMLElement ? v.appendChild(s.label) : v.textContent = s.label,
      r > 0 &&
      (ye.show || (v.style.color = s.width > 0 ? ye.stroke(n, r) : ye.fill(n, r)),
        et("click", h, (k) => {
          if (V._lock) return;
          pn(k);
          let T = b.indexOf(s);
          if ((k.ctrlKey || k.metaKey) != Q.isolate) {
            let P = b.some((O, W) => W > 0 && W != T && O.show);
            b.forEach((O, W) => {
              W > 0 && Ht(W, P ? W == T ? Mn : ol : Mn, !0, De.setSeries);
            });
          } else Ht(T, { show: !s.show }, !0, De.setSeries);
        }, !1),
        Dn && et(Li, h, (k) => {
          V._lock || (pn(k), Ht(b.indexOf(s), Un, !0, De.setSeries));
        }, !1));
    for (var y in Ut) {
      let k = Lt("td", Du, f);
      k.textContent = "--", c.push(k);
    }
    return [f, c];
  }
  let rn = new Map();
  function et(s, r, c, f = !0) {
    let h = rn.get(r) || {}, v = V.bind[s](n, r, c, f);
    v && ($n(s, r, h[s] = v), rn.set(r, h));
  }
  function An(s, r, c) {
    let f = rn.get(r) || {};
    for (let h in f) (s == null || h == s) && (ls(h, r, f[h]), delete f[h]);
    s == null && rn.delete(r);
  }
  let Bt = 0,
    an = 0,
    J = 0,
    N = 0,
    de = 0,
    We = 0,
    Cn = de,
    un = We,
    Wt = J,
    cn = N,
    pt = 0,
    bt = 0,
    it = 0,
    Mt = 0;
  n.bbox = {};
  let ro = !1, Tl = !1, Pn = !1, fn = !1, El = !1, yt = !1;
  function ao(s, r, c) {
    (c || s != n.width || r != n.height) && Ms(s, r), Wn(!1), Pn = !0, Tl = !0, Vn();
  }
  function Ms(s, r) {
    n.width = Bt = J = s, n.height = an = N = r, de = We = 0, Aa(), Ca();
    let c = n.bbox;
    pt = c.left = vn(de * ie, .5),
      bt = c.top = vn(We * ie, .5),
      it = c.width = vn(J * ie, .5),
      Mt = c.height = vn(N * ie, .5);
  }
  let Ta = 3;
  function Ea() {
    let s = !1, r = 0;
    for (; !s;) {
      r++;
      let c = Ha(r), f = Fa(r);
      s = r == Ta || c && f, s || (Ms(n.width, n.height), Tl = !0);
    }
  }
  function Ma({ width: s, height: r }) {
    ao(s, r);
  }
  n.setSize = Ma;
  function Aa() {
    let s = !1, r = !1, c = !1, f = !1;
    C.forEach((h, v) => {
      if (h.show && h._show) {
        let { side: y, _size: k } = h, T = y % 2, P = h.label != null ? h.labelSize : 0, O = k + P;
        O > 0 &&
          (T ? (J -= O, y == 3 ? (de += O, f = !0) : c = !0) : (N -= O, y == 0 ? (We += O, s = !0) : r = !0));
      }
    }),
      hn[0] = s,
      hn[1] = c,
      hn[2] = r,
      hn[3] = f,
      J -= Jt[1] + Jt[3],
      de += Jt[3],
      N -= Jt[2] + Jt[0],
      We += Jt[0];
  }
  function Ca() {
    let s = de + J, r = We + N, c = de, f = We;
    function h(v, y) {
      switch (v) {
        case 1:
          return s += y, s - y;
        case 2:
          return r += y, r - y;
        case 3:
          return c -= y, c + y;
        case 0:
          return f -= y, f + y;
      }
    }
    C.forEach((v, y) => {
      if (v.show && v._show) {
        let k = v.side;
        v._pos = h(k, v._size), v.label != null && (v._lpos = h(k, v.labelSize));
      }
    });
  }
  if (V.dataIdx == null) {
    let s = V.hover, r = s.skip = new Set(s.skip ?? []);
    r.add(void 0);
    let c = s.prox = ee(s.prox), f = s.bias ??= 0;
    V.dataIdx = (h, v, y, k) => {
      if (v == 0) return y;
      let T = y,
        P = c(h, v, y, k) ?? pe,
        O = P >= 0 && P < pe,
        W = E.ori == 0 ? J : N,
        j = V.left,
        se = t[0],
        le = t[v];
      if (r.has(le[y])) {
        T = null;
        let X = null, B = null, H;
        if (f == 0 || f == -1) { for (H = y; X == null && H-- > 0;) r.has(le[H]) || (X = H); }
        if (f == 0 || f == 1) { for (H = y; B == null && H++ < le.length;) r.has(le[H]) || (B = H); }
        if (X != null || B != null) {
          if (O) {
            let we = X == null ? -1 / 0 : L(se[X], E, W, 0),
              Te = B == null ? 1 / 0 : L(se[B], E, W, 0),
              Ye = j - we,
              ce = Te - j;
            Ye <= ce ? Ye <= P && (T = X) : ce <= P && (T = B);
          } else T = B == null ? X : X == null ? B : y - X <= B - y ? X : B;
        }
      } else O && Fe(j - L(se[y], E, W, 0)) > P && (T = null);
      return T;
    };
  }
  let pn = (s) => {
    V.event = s;
  };
  V.idxs = ue, V._lock = !1;
  let Qe = V.points;
  Qe.show = ee(Qe.show),
    Qe.size = ee(Qe.size),
    Qe.stroke = ee(Qe.stroke),
    Qe.width = ee(Qe.width),
    Qe.fill = ee(Qe.fill);
  let Vt = n.focus = Oe({}, e.focus || { alpha: .3 }, V.focus),
    Dn = Vt.prox >= 0,
    Ln = Dn && Qe.one,
    $t = [],
    On = [],
    Nn = [];
  function As(s, r) {
    let c = Qe.show(n, r);
    if (c instanceof HTMLElement) {
      return mt(c, Tu), mt(c, s.class), It(c, -10, -10, J, N), x.insertBefore(c, $t[r]), c;
    }
  }
  function Cs(s, r) {
    if (o == 1 || r > 0) {
      let c = o == 1 && S[s.scale].time, f = s.value;
      s.value = c ? Yi(f) ? tr(te, er(f, F)) : f || ne : f || Fc, s.label = s.label || (c ? Dc : Pc);
    }
    if (Ln || r > 0) {
      s.width = s.width == null ? 1 : s.width,
        s.paths = s.paths || ef || Uu,
        s.fillTo = ee(s.fillTo || Bc),
        s.pxAlign = +oe(s.pxAlign, A),
        s.pxRound = cr(s.pxAlign),
        s.stroke = ee(s.stroke || null),
        s.fill = ee(s.fill || null),
        s._stroke =
          s._fill =
          s._paths =
          s._focus =
            null;
      let c = zc(ot(1, s.width), 1),
        f = s.points = Oe({}, {
          size: c,
          width: ot(1, c * .2),
          stroke: s.stroke,
          space: c * 2,
          paths: tf,
          _stroke: null,
          _fill: null,
        }, s.points);
      f.show = ee(f.show),
        f.filter = ee(f.filter),
        f.fill = ee(f.fill),
        f.stroke = ee(f.stroke),
        f.paths = ee(f.paths),
        f.pxAlign = s.pxAlign;
    }
    if (Re) {
      let c = xl(s, r);
      xe.splice(r, 0, c[0]), Rt.splice(r, 0, c[1]), Q.values.push(null);
    }
    if (Xe) {
      ue.splice(r, 0, null);
      let c = null;
      Ln ? r == 0 && (c = As(s, r)) : r > 0 && (c = As(s, r)),
        $t.splice(r, 0, c),
        On.splice(r, 0, 0),
        Nn.splice(r, 0, 0);
    }
    je("addSeries", r);
  }
  function Pa(s, r) {
    r = r ?? b.length, s = o == 1 ? us(s, r, lr, ar) : us(s, r, {}, rr), b.splice(r, 0, s), Cs(b[r], r);
  }
  n.addSeries = Pa;
  function Da(s) {
    if (b.splice(s, 1), Re) {
      Q.values.splice(s, 1), Rt.splice(s, 1);
      let r = xe.splice(s, 1)[0];
      An(null, r.firstChild), r.remove();
    }
    Xe && (ue.splice(s, 1), $t.splice(s, 1)[0].remove(), On.splice(s, 1), Nn.splice(s, 1)),
      je("delSeries", s);
  }
  n.delSeries = Da;
  let hn = [!1, !1, !1, !1];
  function La(s, r) {
    if (s._show = s.show, s.show) {
      let c = s.side % 2, f = S[s.scale];
      f == null && (s.scale = c ? b[1].scale : R, f = S[s.scale]);
      let h = f.time;
      s.size = ee(s.size),
        s.space = ee(s.space),
        s.rotate = ee(s.rotate),
        on(s.incrs) && s.incrs.forEach((y) => {
          !sn.has(y) && sn.set(y, Sr(y));
        }),
        s.incrs = ee(s.incrs || (f.distr == 2 ? pc : h ? D == 1 ? dc : gc : bn)),
        s.splits = ee(s.splits || (h && f.distr == 1 ? st : f.distr == 3 ? ss : f.distr == 4 ? Nc : Oc)),
        s.stroke = ee(s.stroke),
        s.grid.stroke = ee(s.grid.stroke),
        s.ticks.stroke = ee(s.ticks.stroke),
        s.border.stroke = ee(s.border.stroke);
      let v = s.values;
      s.values = on(v) && !on(v[0])
        ? ee(v)
        : h
        ? on(v) ? Xi(te, Qi(v, F)) : Yi(v) ? bc(te, v) : v || be
        : v || Lc,
        s.filter = ee(s.filter || (f.distr >= 3 && f.log == 10 ? Vc : f.distr == 3 && f.log == 2 ? Hc : yr)),
        s.font = dr(s.font),
        s.labelFont = dr(s.labelFont),
        s._size = s.size(n, null, r, 0),
        s._space =
          s._rotate =
          s._incrs =
          s._found =
          s._splits =
          s._values =
            null,
        s._size > 0 && (hn[r] = !0, s._el = xt($u, w));
    }
  }
  function sl(s, r, c, f) {
    let [h, v, y, k] = c, T = r % 2, P = 0;
    return T == 0 && (k || v) && (P = r == 0 && !h || r == 2 && !y ? He(nr.size / 3) : 0),
      T == 1 && (h || y) && (P = r == 1 && !v || r == 3 && !k ? He(sr.size / 2) : 0),
      P;
  }
  let Ps = n.padding = (e.padding || [sl, sl, sl, sl]).map((s) => ee(oe(s, sl))),
    Jt = n._padding = Ps.map((s, r) => s(n, r, hn, 0)),
    Je,
    Ie = null,
    Ue = null,
    Ml = o == 1 ? b[0].idxs : null,
    At = null,
    il = !1;
  function Ds(s, r) {
    if (t = s ?? [], n.data = n._data = t, o == 2) {
      Je = 0;
      for (let c = 1; c < b.length; c++) Je += t[c][0].length;
    } else {
      t.length == 0 && (n.data = n._data = t = [[]]), At = t[0], Je = At.length;
      let c = t;
      if (U == 2) {
        c = t.slice();
        let f = c[0] = Array(Je);
        for (let h = 0; h < Je; h++) f[h] = h;
      }
      n._data = t = c;
    }
    if (Wn(!0), je("setData"), U == 2 && (Pn = !0), r !== !1) {
      let c = E;
      c.auto(n, il) ? uo() : Qt(R, c.min, c.max), fn = fn || V.left >= 0, yt = !0, Vn();
    }
  }
  n.setData = Ds;
  function uo() {
    il = !0;
    let s, r;
    o == 1 &&
    (Je > 0
      ? (Ie = Ml[0] = 0,
        Ue = Ml[1] = Je - 1,
        s = t[0][Ie],
        r = t[0][Ue],
        U == 2
          ? (s = Ie, r = Ue)
          : s == r && (U == 3
            ? [s, r] = Ql(s, s, E.log, !1)
            : U == 4
            ? [s, r] = hs(s, s, E.log, !1)
            : E.time
            ? r = s + He(86400 / D)
            : [s, r] = Kl(s, r, ds, !0)))
      : (Ie = Ml[0] = s = null, Ue = Ml[1] = r = null)), Qt(R, s, r);
  }
  let Al, Rn, co, fo, po, ho, _o, mo, go, rt;
  function Ls(s, r, c, f, h, v) {
    s ??= Pi,
      c ??= ms,
      f ??= "butt",
      h ??= Pi,
      v ??= "round",
      s != Al && (m.strokeStyle = Al = s),
      h != Rn && (m.fillStyle = Rn = h),
      r != co && (m.lineWidth = co = r),
      v != po && (m.lineJoin = po = v),
      f != ho && (m.lineCap = ho = f),
      c != fo && m.setLineDash(fo = c);
  }
  function Os(s, r, c, f) {
    r != Rn && (m.fillStyle = Rn = r),
      s != _o && (m.font = _o = s),
      c != mo && (m.textAlign = mo = c),
      f != go && (m.textBaseline = go = f);
  }
  function wo(s, r, c, f, h = 0) {
    if (f.length > 0 && s.auto(n, il) && (r == null || r.min == null)) {
      let v = oe(Ie, 0),
        y = oe(Ue, f.length - 1),
        k = c.min == null ? Vu(f, v, y, h, s.distr == 3) : [c.min, c.max];
      s.min = Nt(s.min, c.min = k[0]), s.max = ot(s.max, c.max = k[1]);
    }
  }
  let Ns = { min: null, max: null };
  function Oa() {
    for (let f in S) {
      let h = S[f];
      z[f] == null && (h.min == null || z[R] != null && h.auto(n, il)) && (z[f] = Ns);
    }
    for (let f in S) {
      let h = S[f];
      z[f] == null && h.from != null && z[h.from] != null && (z[f] = Ns);
    }
    z[R] != null && Wn(!0);
    let s = {};
    for (let f in z) {
      let h = z[f];
      if (h != null) {
        let v = s[f] = Zn(S[f], ju);
        if (h.min != null) Oe(v, h);
        else if (f != R || o == 2) {
          if (Je == 0 && v.from == null) {
            let y = v.range(n, null, null, f);
            v.min = y[0], v.max = y[1];
          } else v.min = pe, v.max = -pe;
        }
      }
    }
    if (Je > 0) {
      b.forEach((f, h) => {
        if (o == 1) {
          let v = f.scale, y = z[v];
          if (y == null) return;
          let k = s[v];
          if (h == 0) {
            let T = k.range(n, k.min, k.max, v);
            k.min = T[0],
              k.max = T[1],
              Ie = Ot(k.min, t[0]),
              Ue = Ot(k.max, t[0]),
              Ue - Ie > 1 && (t[0][Ie] < k.min && Ie++, t[0][Ue] > k.max && Ue--),
              f.min = At[Ie],
              f.max = At[Ue];
          } else f.show && f.auto && wo(k, y, f, t[h], f.sorted);
          f.idxs[0] = Ie, f.idxs[1] = Ue;
        } else if (h > 0 && f.show && f.auto) {
          let [v, y] = f.facets, k = v.scale, T = y.scale, [P, O] = t[h], W = s[k], j = s[T];
          W != null && wo(W, z[k], v, P, v.sorted),
            j != null && wo(j, z[T], y, O, y.sorted),
            f.min = y.min,
            f.max = y.max;
        }
      });
      for (let f in s) {
        let h = s[f], v = z[f];
        if (h.from == null && (v == null || v.min == null)) {
          let y = h.range(n, h.min == pe ? null : h.min, h.max == -pe ? null : h.max, f);
          h.min = y[0], h.max = y[1];
        }
      }
    }
    for (let f in s) {
      let h = s[f];
      if (h.from != null) {
        let v = s[h.from];
        if (v.min == null) h.min = h.max = null;
        else {
          let y = h.range(n, v.min, v.max, f);
          h.min = y[0], h.max = y[1];
        }
      }
    }
    let r = {}, c = !1;
    for (let f in s) {
      let h = s[f], v = S[f];
      if (v.min != h.min || v.max != h.max) {
        v.min = h.min, v.max = h.max;
        let y = v.distr;
        v._min = y == 3 ? jt(v.min) : y == 4 ? Jo(v.min, v.asinh) : y == 100 ? v.fwd(v.min) : v.min,
          v._max = y == 3 ? jt(v.max) : y == 4 ? Jo(v.max, v.asinh) : y == 100 ? v.fwd(v.max) : v.max,
          r[f] = c = !0;
      }
    }
    if (c) {
      b.forEach((f, h) => {
        o == 2 ? h > 0 && r.y && (f._paths = null) : r[f.scale] && (f._paths = null);
      });
      for (let f in r) Pn = !0, je("setScale", f);
      Xe && V.left >= 0 && (fn = yt = !0);
    }
    for (let f in z) z[f] = null;
  }
  function Na(s) {
    let r = os(Ie - 1, 0, Je - 1), c = os(Ue + 1, 0, Je - 1);
    for (; s[r] == null && r > 0;) r--;
    for (; s[c] == null && c < Je - 1;) c++;
    return [r, c];
  }
  function Ra() {
    if (Je > 0) {
      let s = b.some((r) => r._focus) && rt != Vt.alpha;
      s && (m.globalAlpha = rt = Vt.alpha),
        b.forEach((r, c) => {
          if (c > 0 && r.show && (Rs(c, !1), Rs(c, !0), r._paths == null)) {
            let f = rt;
            rt != r.alpha && (m.globalAlpha = rt = r.alpha);
            let h = o == 2 ? [0, t[c][0].length - 1] : Na(t[c]);
            r._paths = r.paths(n, c, h[0], h[1]), rt != f && (m.globalAlpha = rt = f);
          }
        }),
        b.forEach((r, c) => {
          if (c > 0 && r.show) {
            let f = rt;
            rt != r.alpha && (m.globalAlpha = rt = r.alpha), r._paths != null && Ws(c, !1);
            {
              let h = r._paths != null ? r._paths.gaps : null,
                v = r.points.show(n, c, Ie, Ue, h),
                y = r.points.filter(n, c, v, h);
              (v || y) && (r.points._paths = r.points.paths(n, c, Ie, Ue, y), Ws(c, !0));
            }
            rt != f && (m.globalAlpha = rt = f), je("drawSeries", c);
          }
        }),
        s && (m.globalAlpha = rt = 1);
    }
  }
  function Rs(s, r) {
    let c = r ? b[s].points : b[s];
    c._stroke = c.stroke(n, s), c._fill = c.fill(n, s);
  }
  function Ws(s, r) {
    let c = r ? b[s].points : b[s],
      {
        stroke: f,
        fill: h,
        clip: v,
        flags: y,
        _stroke: k = c._stroke,
        _fill: T = c._fill,
        _width: P = c.width,
      } = c._paths;
    P = he(P * ie, 3);
    let O = null, W = P % 2 / 2;
    r && T == null && (T = P > 0 ? "#fff" : k);
    let j = c.pxAlign == 1 && W > 0;
    if (j && m.translate(W, W), !r) {
      let se = pt - P / 2, le = bt - P / 2, X = it + P, B = Mt + P;
      O = new Path2D(), O.rect(se, le, X, B);
    }
    r ? vo(k, P, c.dash, c.cap, T, f, h, y, v) : Wa(s, k, P, c.dash, c.cap, T, f, h, y, O, v),
      j && m.translate(-W, -W);
  }
  function Wa(s, r, c, f, h, v, y, k, T, P, O) {
    let W = !1;
    T != 0 && Y.forEach((j, se) => {
      if (j.series[0] == s) {
        let le = b[j.series[1]], X = t[j.series[1]], B = (le._paths || $l).band;
        on(B) && (B = j.dir == 1 ? B[0] : B[1]);
        let H, we = null;
        le.show && B && Fu(X, Ie, Ue) ? (we = j.fill(n, se) || v, H = le._paths.clip) : B = null,
          vo(r, c, f, h, we, y, k, T, P, O, H, B),
          W = !0;
      }
    }), W || vo(r, c, f, h, v, y, k, T, P, O);
  }
  let Vs = Qn | rs;
  function vo(s, r, c, f, h, v, y, k, T, P, O, W) {
    Ls(s, r, c, f, h),
      (T || P || W) && (m.save(), T && m.clip(T), P && m.clip(P)),
      W
        ? (k & Vs) == Vs
          ? (m.clip(W), O && m.clip(O), Pl(h, y), Cl(s, v, r))
          : k & rs
          ? (Pl(h, y), m.clip(W), Cl(s, v, r))
          : k & Qn && (m.save(), m.clip(W), O && m.clip(O), Pl(h, y), m.restore(), Cl(s, v, r))
        : (Pl(h, y), Cl(s, v, r)),
      (T || P || W) && m.restore();
  }
  function Cl(s, r, c) {
    c > 0 && (r instanceof Map
      ? r.forEach((f, h) => {
        m.strokeStyle = Al = h, m.stroke(f);
      })
      : r != null && s && m.stroke(r));
  }
  function Pl(s, r) {
    r instanceof Map
      ? r.forEach((c, f) => {
        m.fillStyle = Rn = f, m.fill(c);
      })
      : r != null && s && m.fill(r);
  }
  function Va(s, r, c, f) {
    let h = C[s], v;
    if (f <= 0) v = [0, 0];
    else {
      let y = h._space = h.space(n, s, r, c, f), k = h._incrs = h.incrs(n, s, r, c, f, y);
      v = af(r, c, k, f, y);
    }
    return h._found = v;
  }
  function bo(s, r, c, f, h, v, y, k, T, P) {
    let O = y % 2 / 2;
    A == 1 && m.translate(O, O), Ls(k, y, T, P, k), m.beginPath();
    let W, j, se, le, X = h + (f == 0 || f == 3 ? -v : v);
    c == 0 ? (j = h, le = X) : (W = h, se = X);
    for (let B = 0; B < s.length; B++) {
      r[B] != null && (c == 0 ? W = se = s[B] : j = le = s[B], m.moveTo(W, j), m.lineTo(se, le));
    }
    m.stroke(), A == 1 && m.translate(-O, -O);
  }
  function Ha(s) {
    let r = !0;
    return C.forEach((c, f) => {
      if (!c.show) return;
      let h = S[c.scale];
      if (h.min == null) {
        c._show && (r = !1, c._show = !1, Wn(!1));
        return;
      } else c._show || (r = !1, c._show = !0, Wn(!1));
      let v = c.side, y = v % 2, { min: k, max: T } = h, [P, O] = Va(f, k, T, y == 0 ? J : N);
      if (O == 0) return;
      let W = h.distr == 2,
        j = c._splits = c.splits(n, f, k, T, P, O, W),
        se = h.distr == 2 ? j.map((H) => At[H]) : j,
        le = h.distr == 2 ? At[j[1]] - At[j[0]] : P,
        X = c._values = c.values(n, c.filter(n, se, f, O, le), f, O, le);
      c._rotate = v == 2 ? c.rotate(n, X, f, O) : 0;
      let B = c._size;
      c._size = Tt(c.size(n, X, f, s)), B != null && c._size != B && (r = !1);
    }),
      r;
  }
  function Fa(s) {
    let r = !0;
    return Ps.forEach((c, f) => {
      let h = c(n, f, hn, s);
      h != Jt[f] && (r = !1), Jt[f] = h;
    }),
      r;
  }
  function za() {
    for (let s = 0; s < C.length; s++) {
      let r = C[s];
      if (!r.show || !r._show) continue;
      let c = r.side, f = c % 2, h, v, y = r.stroke(n, s), k = c == 0 || c == 3 ? -1 : 1, [T, P] = r._found;
      if (r.label != null) {
        let nt = r.labelGap * k, _t = He((r._lpos + nt) * ie);
        Os(r.labelFont[0], y, "center", c == 2 ? ml : Ci),
          m.save(),
          f == 1
            ? (h = v = 0, m.translate(_t, He(bt + Mt / 2)), m.rotate((c == 3 ? -jl : jl) / 2))
            : (h = He(pt + it / 2), v = _t);
        let mn = vr(r.label) ? r.label(n, s, T, P) : r.label;
        m.fillText(mn, h, v), m.restore();
      }
      if (P == 0) continue;
      let O = S[r.scale],
        W = f == 0 ? it : Mt,
        j = f == 0 ? pt : bt,
        se = r._splits,
        le = O.distr == 2 ? se.map((nt) => At[nt]) : se,
        X = O.distr == 2 ? At[se[1]] - At[se[0]] : T,
        B = r.ticks,
        H = r.border,
        we = B.show ? B.size : 0,
        Te = He(we * ie),
        Ye = He((r.alignTo == 2 ? r._size - we - r.gap : r.gap) * ie),
        ce = r._rotate * -jl / 180,
        Ee = M(r._pos * ie),
        ht = (Te + Ye) * k,
        tt = Ee + ht;
      v = f == 0 ? tt : 0, h = f == 1 ? tt : 0;
      let St = r.font[0],
        Ct = r.align == 1
          ? Gn
          : r.align == 2
          ? jo
          : ce > 0
          ? Gn
          : ce < 0
          ? jo
          : f == 0
          ? "center"
          : c == 3
          ? jo
          : Gn,
        zt = ce || f == 1 ? "middle" : c == 2 ? ml : Ci;
      Os(St, y, Ct, zt);
      let dt = r.font[1] * r.lineGap, kt = se.map((nt) => M(u(nt, O, W, j))), Pt = r._values;
      for (let nt = 0; nt < Pt.length; nt++) {
        let _t = Pt[nt];
        if (_t != null) {
          f == 0 ? h = kt[nt] : v = kt[nt], _t = "" + _t;
          let mn = _t.indexOf(`
`) == -1
            ? [_t]
            : _t.split(/\n/gm);
          for (let lt = 0; lt < mn.length; lt++) {
            let li = mn[lt];
            ce
              ? (m.save(), m.translate(h, v + lt * dt), m.rotate(ce), m.fillText(li, 0, 0), m.restore())
              : m.fillText(li, h, v + lt * dt);
          }
        }
      }
      B.show &&
        bo(kt, B.filter(n, le, s, P, X), f, c, Ee, Te, he(B.width * ie, 3), B.stroke(n, s), B.dash, B.cap);
      let qt = r.grid;
      qt.show &&
      bo(
        kt,
        qt.filter(n, le, s, P, X),
        f,
        f == 0 ? 2 : 1,
        f == 0 ? bt : pt,
        f == 0 ? Mt : it,
        he(qt.width * ie, 3),
        qt.stroke(n, s),
        qt.dash,
        qt.cap,
      ),
        H.show &&
        bo(
          [Ee],
          [1],
          f == 0 ? 1 : 0,
          f == 0 ? 1 : 2,
          f == 1 ? bt : pt,
          f == 1 ? Mt : it,
          he(H.width * ie, 3),
          H.stroke(n, s),
          H.dash,
          H.cap,
        );
    }
    je("drawAxes");
  }
  function Wn(s) {
    b.forEach((r, c) => {
      c > 0 && (r._paths = null,
        s && (o == 1 ? (r.min = null, r.max = null) : r.facets.forEach((f) => {
          f.min = null, f.max = null;
        })));
    });
  }
  let Dl = !1, yo = !1, rl = [];
  function qa() {
    yo = !1;
    for (let s = 0; s < rl.length; s++) je(...rl[s]);
    rl.length = 0;
  }
  function Vn() {
    Dl || (ec(Hs), Dl = !0);
  }
  function Ia(s, r = !1) {
    Dl = !0, yo = r, s(n), Hs(), r && rl.length > 0 && queueMicrotask(qa);
  }
  n.batch = Ia;
  function Hs() {
    if (ro && (Oa(), ro = !1), Pn && (Ea(), Pn = !1), Tl) {
      if (
        ve(g, Gn, de),
          ve(g, ml, We),
          ve(g, wl, J),
          ve(g, vl, N),
          ve(x, Gn, de),
          ve(x, ml, We),
          ve(x, wl, J),
          ve(x, vl, N),
          ve(w, wl, Bt),
          ve(w, vl, an),
          _.width = He(Bt * ie),
          _.height = He(an * ie),
          C.forEach(({ _el: s, _show: r, _size: c, _pos: f, side: h }) => {
            if (s != null) {
              if (r) {
                let v = h === 3 || h === 0 ? c : 0, y = h % 2 == 1;
                ve(s, y ? "left" : "top", f - v),
                  ve(s, y ? "width" : "height", c),
                  ve(s, y ? "top" : "left", y ? We : de),
                  ve(s, y ? "height" : "width", y ? N : J),
                  ns(s, yn);
              } else mt(s, yn);
            }
          }),
          Al =
            Rn =
            co =
            po =
            ho =
            _o =
            mo =
            go =
            fo =
              null,
          rt = 1,
          cl(!0),
          de != Cn || We != un || J != Wt || N != cn
      ) {
        Wn(!1);
        let s = J / Wt, r = N / cn;
        if (Xe && !fn && V.left >= 0) {
          V.left *= s, V.top *= r, Hn && It(Hn, He(V.left), 0, J, N), Fn && It(Fn, 0, He(V.top), J, N);
          for (let c = 0; c < $t.length; c++) {
            let f = $t[c];
            f != null && (On[c] *= s, Nn[c] *= r, It(f, Tt(On[c]), Tt(Nn[c]), J, N));
          }
        }
        if (ge.show && !El && ge.left >= 0 && ge.width > 0) {
          ge.left *= s, ge.width *= s, ge.top *= r, ge.height *= r;
          for (let c in Eo) ve(In, c, ge[c]);
        }
        Cn = de, un = We, Wt = J, cn = N;
      }
      je("setSize"), Tl = !1;
    }
    Bt > 0 && an > 0 &&
    (m.clearRect(0, 0, _.width, _.height), je("drawClear"), I.forEach((s) => s()), je("draw")),
      ge.show && El && (Ll(ge), El = !1),
      Xe && fn && (_n(null, !0, !1), fn = !1),
      Q.show && Q.live && yt && (xo(), yt = !1),
      p || (p = !0, n.status = 1, je("ready")),
      il = !1,
      Dl = !1;
  }
  n.redraw = (s, r) => {
    Pn = r || !1, s !== !1 ? Qt(R, E.min, E.max) : Vn();
  };
  function $o(s, r) {
    let c = S[s];
    if (c.from == null) {
      if (Je == 0) {
        let f = c.range(n, r.min, r.max, s);
        r.min = f[0], r.max = f[1];
      }
      if (r.min > r.max) {
        let f = r.min;
        r.min = r.max, r.max = f;
      }
      if (Je > 1 && r.min != null && r.max != null && r.max - r.min < 1e-16) return;
      s == R && c.distr == 2 && Je > 0 &&
      (r.min = Ot(r.min, t[0]), r.max = Ot(r.max, t[0]), r.min == r.max && r.max++),
        z[s] = r,
        ro = !0,
        Vn();
    }
  }
  n.setScale = $o;
  let So, ko, Hn, Fn, Fs, zs, zn, qn, qs, Is, me, $e, Zt = !1, Ze = V.drag, Be = Ze.x, Ge = Ze.y;
  Xe &&
    (V.x && (So = xt(ku, x)),
      V.y && (ko = xt(xu, x)),
      E.ori == 0 ? (Hn = So, Fn = ko) : (Hn = ko, Fn = So),
      me = V.left,
      $e = V.top);
  let ge = n.select = Oe({ show: !0, over: !0, left: 0, width: 0, top: 0, height: 0 }, e.select),
    In = ge.show ? xt(Su, ge.over ? x : g) : null;
  function Ll(s, r) {
    if (ge.show) {
      for (let c in s) ge[c] = s[c], c in Eo && ve(In, c, s[c]);
      r !== !1 && je("setSelect");
    }
  }
  n.setSelect = Ll;
  function Ua(s) {
    if (b[s].show) Re && ns(xe[s], yn);
    else if (Re && mt(xe[s], yn), Xe) {
      let c = Ln ? $t[0] : $t[s];
      c != null && It(c, -10, -10, J, N);
    }
  }
  function Qt(s, r, c) {
    $o(s, { min: r, max: c });
  }
  function Ht(s, r, c, f) {
    r.focus != null && Ka(s),
      r.show != null && b.forEach((h, v) => {
        v > 0 && (s == v || s == null) &&
          (h.show = r.show,
            Ua(v),
            o == 2
              ? (Qt(h.facets[0].scale, null, null), Qt(h.facets[1].scale, null, null))
              : Qt(h.scale, null, null),
            Vn());
      }),
      c !== !1 && je("setSeries", s, r),
      f && fl("setSeries", n, s, r);
  }
  n.setSeries = Ht;
  function Ba(s, r) {
    Oe(Y[s], r);
  }
  function Ga(s, r) {
    s.fill = ee(s.fill || null), s.dir = oe(s.dir, -1), r = r ?? Y.length, Y.splice(r, 0, s);
  }
  function ja(s) {
    s == null ? Y.length = 0 : Y.splice(s, 1);
  }
  n.addBand = Ga, n.setBand = Ba, n.delBand = ja;
  function Ya(s, r) {
    b[s].alpha = r,
      Xe && $t[s] != null && ($t[s].style.opacity = r),
      Re && xe[s] && (xe[s].style.opacity = r);
  }
  let Gt, Xt, dn, Un = { focus: !0 };
  function Ka(s) {
    if (s != dn) {
      let r = s == null, c = Vt.alpha != 1;
      b.forEach((f, h) => {
        if (o == 1 || h > 0) {
          let v = r || h == 0 || h == s;
          f._focus = r ? null : v, c && Ya(h, v ? 1 : Vt.alpha);
        }
      }),
        dn = s,
        c && Vn();
    }
  }
  Re && Dn && et(Oi, re, (s) => {
    V._lock || (pn(s), dn != null && Ht(null, Un, !0, De.setSeries));
  });
  function Ft(s, r, c) {
    let f = S[r];
    c && (s = s / ie - (f.ori == 1 ? We : de));
    let h = J;
    f.ori == 1 && (h = N, s = h - s), f.dir == -1 && (s = h - s);
    let v = f._min, y = f._max, k = s / h, T = v + (y - v) * k, P = f.distr;
    return P == 3 ? Kn(10, T) : P == 4 ? qu(T, f.asinh) : P == 100 ? f.bwd(T) : T;
  }
  function Ja(s, r) {
    let c = Ft(s, R, r);
    return Ot(c, t[0], Ie, Ue);
  }
  n.valToIdx = (s) => Ot(s, t[0]),
    n.posToIdx = Ja,
    n.posToVal = Ft,
    n.valToPos = (s, r, c) =>
      S[r].ori == 0 ? i(s, S[r], c ? it : J, c ? pt : 0) : a(s, S[r], c ? Mt : N, c ? bt : 0),
    n.setCursor = (s, r, c) => {
      me = s.left, $e = s.top, _n(null, r, c);
    };
  function Us(s, r) {
    ve(In, Gn, ge.left = s), ve(In, wl, ge.width = r);
  }
  function Bs(s, r) {
    ve(In, ml, ge.top = s), ve(In, vl, ge.height = r);
  }
  let al = E.ori == 0 ? Us : Bs, ul = E.ori == 1 ? Us : Bs;
  function Za() {
    if (Re && Q.live) {
      for (let s = o == 2 ? 1 : 0; s < b.length; s++) {
        if (s == 0 && vt) continue;
        let r = Q.values[s], c = 0;
        for (let f in r) Rt[s][c++].firstChild.nodeValue = r[f];
      }
    }
  }
  function xo(s, r) {
    if (
      s != null && (s.idxs
        ? s.idxs.forEach((c, f) => {
          ue[f] = c;
        })
        : Gu(s.idx) || ue.fill(s.idx),
        Q.idx = ue[0]), Re && Q.live
    ) {
      for (let c = 0; c < b.length; c++) (c > 0 || o == 1 && !vt) && Qa(c, ue[c]);
      Za();
    }
    yt = !1, r !== !1 && je("setLegend");
  }
  n.setLegend = xo;
  function Qa(s, r) {
    let c = b[s], f = s == 0 && U == 2 ? At : t[s], h;
    vt
      ? h = c.values(n, s, r) ?? Kt
      : (h = c.value(n, r == null ? null : f[r], s, r), h = h == null ? Kt : { _: h }), Q.values[s] = h;
  }
  function _n(s, r, c) {
    qs = me,
      Is = $e,
      [me, $e] = V.move(n, me, $e),
      V.left = me,
      V.top = $e,
      Xe && (Hn && It(Hn, He(me), 0, J, N), Fn && It(Fn, 0, He($e), J, N));
    let f, h = Ie > Ue;
    Gt = pe, Xt = null;
    let v = E.ori == 0 ? J : N, y = E.ori == 1 ? J : N;
    if (me < 0 || Je == 0 || h) {
      f = V.idx = null;
      for (let k = 0; k < b.length; k++) {
        let T = $t[k];
        T != null && It(T, -10, -10, J, N);
      }
      Dn && Ht(null, Un, !0, s == null && De.setSeries), Q.live && (ue.fill(f), yt = !0);
    } else {
      let k, T, P;
      o == 1 &&
        (k = E.ori == 0 ? me : $e, T = Ft(k, R), f = V.idx = Ot(T, t[0], Ie, Ue), P = L(t[0][f], E, v, 0));
      let O = -10, W = -10, j = 0, se = 0, le = !0, X = "", B = "";
      for (let H = o == 2 ? 1 : 0; H < b.length; H++) {
        let we = b[H],
          Te = ue[H],
          Ye = Te == null ? null : o == 1 ? t[H][Te] : t[H][1][Te],
          ce = V.dataIdx(n, H, f, T),
          Ee = ce == null ? null : o == 1 ? t[H][ce] : t[H][1][ce];
        if (yt = yt || Ee != Ye || ce != Te, ue[H] = ce, H > 0 && we.show) {
          let ht = ce == null ? -10 : ce == f ? P : L(o == 1 ? t[0][ce] : t[H][0][ce], E, v, 0),
            tt = Ee == null ? -10 : G(Ee, o == 1 ? S[we.scale] : S[we.facets[1].scale], y, 0);
          if (Dn && Ee != null) {
            let St = E.ori == 1 ? me : $e, Ct = Fe(Vt.dist(n, H, ce, tt, St));
            if (Ct < Gt) {
              let zt = Vt.bias;
              if (zt != 0) {
                let dt = Ft(St, we.scale), kt = Ee >= 0 ? 1 : -1, Pt = dt >= 0 ? 1 : -1;
                Pt == kt && (Pt == 1 ? zt == 1 ? Ee >= dt : Ee <= dt : zt == 1 ? Ee <= dt : Ee >= dt) &&
                  (Gt = Ct, Xt = H);
              } else Gt = Ct, Xt = H;
            }
          }
          if (yt || Ln) {
            let St, Ct;
            E.ori == 0 ? (St = ht, Ct = tt) : (St = tt, Ct = ht);
            let zt, dt, kt, Pt, qt, nt, _t = !0, mn = Qe.bbox;
            if (mn != null) {
              _t = !1;
              let lt = mn(n, H);
              kt = lt.left, Pt = lt.top, zt = lt.width, dt = lt.height;
            } else kt = St, Pt = Ct, zt = dt = Qe.size(n, H);
            if (nt = Qe.fill(n, H), qt = Qe.stroke(n, H), Ln) {
              H == Xt && Gt <= Vt.prox && (O = kt, W = Pt, j = zt, se = dt, le = _t, X = nt, B = qt);
            } else {
              let lt = $t[H];
              lt != null &&
                (On[H] = kt, Nn[H] = Pt, zi(lt, zt, dt, _t), Hi(lt, nt, qt), It(lt, Tt(kt), Tt(Pt), J, N));
            }
          }
        }
      }
      if (Ln) {
        let H = Vt.prox, we = dn == null ? Gt <= H : Gt > H || Xt != dn;
        if (yt || we) {
          let Te = $t[0];
          Te != null && (On[0] = O, Nn[0] = W, zi(Te, j, se, le), Hi(Te, X, B), It(Te, Tt(O), Tt(W), J, N));
        }
      }
    }
    if (ge.show && Zt) {
      if (s != null) {
        let [k, T] = De.scales, [P, O] = De.match, [W, j] = s.cursor.sync.scales, se = s.cursor.drag;
        if (Be = se._x, Ge = se._y, Be || Ge) {
          let { left: le, top: X, width: B, height: H } = s.select,
            we = s.scales[W].ori,
            Te = s.posToVal,
            Ye,
            ce,
            Ee,
            ht,
            tt,
            St = k != null && P(k, W),
            Ct = T != null && O(T, j);
          St && Be
            ? (we == 0 ? (Ye = le, ce = B) : (Ye = X, ce = H),
              Ee = S[k],
              ht = L(Te(Ye, W), Ee, v, 0),
              tt = L(Te(Ye + ce, W), Ee, v, 0),
              al(Nt(ht, tt), Fe(tt - ht)))
            : al(0, v),
            Ct && Ge
              ? (we == 1 ? (Ye = le, ce = B) : (Ye = X, ce = H),
                Ee = S[T],
                ht = G(Te(Ye, j), Ee, y, 0),
                tt = G(Te(Ye + ce, j), Ee, y, 0),
                ul(Nt(ht, tt), Fe(tt - ht)))
              : ul(0, y);
        } else Mo();
      } else {
        let k = Fe(qs - Fs), T = Fe(Is - zs);
        if (E.ori == 1) {
          let j = k;
          k = T, T = j;
        }
        Be = Ze.x && k >= Ze.dist, Ge = Ze.y && T >= Ze.dist;
        let P = Ze.uni;
        P != null
          ? Be && Ge && (Be = k >= P, Ge = T >= P, !Be && !Ge && (T > k ? Ge = !0 : Be = !0))
          : Ze.x && Ze.y && (Be || Ge) && (Be = Ge = !0);
        let O, W;
        Be && (E.ori == 0 ? (O = zn, W = me) : (O = qn, W = $e), al(Nt(O, W), Fe(W - O)), Ge || ul(0, y)),
          Ge && (E.ori == 1 ? (O = zn, W = me) : (O = qn, W = $e), ul(Nt(O, W), Fe(W - O)), Be || al(0, v)),
          !Be && !Ge && (al(0, 0), ul(0, 0));
      }
    }
    if (Ze._x = Be, Ze._y = Ge, s == null) {
      if (c) {
        if (ni != null) {
          let [k, T] = De.scales;
          De.values[0] = k != null ? Ft(E.ori == 0 ? me : $e, k) : null,
            De.values[1] = T != null ? Ft(E.ori == 1 ? me : $e, T) : null;
        }
        fl(Yo, n, me, $e, J, N, f);
      }
      if (Dn) {
        let k = c && De.setSeries, T = Vt.prox;
        dn == null
          ? Gt <= T && Ht(Xt, Un, !0, k)
          : Gt > T
          ? Ht(null, Un, !0, k)
          : Xt != dn && Ht(Xt, Un, !0, k);
      }
    }
    yt && (Q.idx = f, xo()), r !== !1 && je("setCursor");
  }
  let en = null;
  Object.defineProperty(n, "rect", {
    get() {
      return en == null && cl(!1), en;
    },
  });
  function cl(s = !1) {
    s ? en = null : (en = x.getBoundingClientRect(), je("syncRect", en));
  }
  function Gs(s, r, c, f, h, v, y) {
    V._lock || Zt && s != null && s.movementX == 0 && s.movementY == 0 ||
      (To(s, r, c, f, h, v, y, !1, s != null), s != null ? _n(null, !0, !0) : _n(r, !0, !1));
  }
  function To(s, r, c, f, h, v, y, k, T) {
    if (en == null && cl(!1), pn(s), s != null) c = s.clientX - en.left, f = s.clientY - en.top;
    else {
      if (c < 0 || f < 0) {
        me = -10, $e = -10;
        return;
      }
      let [P, O] = De.scales,
        W = r.cursor.sync,
        [j, se] = W.values,
        [le, X] = W.scales,
        [B, H] = De.match,
        we = r.axes[0].side % 2 == 1,
        Te = E.ori == 0 ? J : N,
        Ye = E.ori == 1 ? J : N,
        ce = we ? v : h,
        Ee = we ? h : v,
        ht = we ? f : c,
        tt = we ? c : f;
      if (
        le != null ? c = B(P, le) ? u(j, S[P], Te, 0) : -10 : c = Te * (ht / ce),
          X != null ? f = H(O, X) ? u(se, S[O], Ye, 0) : -10 : f = Ye * (tt / Ee),
          E.ori == 1
      ) {
        let St = c;
        c = f, f = St;
      }
    }
    T && (r == null || r.cursor.event.type == Yo) &&
    ((c <= 1 || c >= J - 1) && (c = vn(c, J)), (f <= 1 || f >= N - 1) && (f = vn(f, N))),
      k ? (Fs = c, zs = f, [zn, qn] = V.move(n, c, f)) : (me = c, $e = f);
  }
  let Eo = { width: 0, height: 0, left: 0, top: 0 };
  function Mo() {
    Ll(Eo, !1);
  }
  let js, Ys, Ks, Js;
  function Zs(s, r, c, f, h, v, y) {
    Zt = !0,
      Be =
        Ge =
        Ze._x =
        Ze._y =
          !1,
      To(s, r, c, f, h, v, y, !0, !1),
      s != null && (et(Ko, es, Qs, !1), fl(Di, n, zn, qn, J, N, null));
    let { left: k, top: T, width: P, height: O } = ge;
    js = k, Ys = T, Ks = P, Js = O;
  }
  function Qs(s, r, c, f, h, v, y) {
    Zt = Ze._x = Ze._y = !1, To(s, r, c, f, h, v, y, !1, !0);
    let { left: k, top: T, width: P, height: O } = ge,
      W = P > 0 || O > 0,
      j = js != k || Ys != T || Ks != P || Js != O;
    if (W && j && Ll(ge), Ze.setScale && W && j) {
      let se = k, le = P, X = T, B = O;
      if (E.ori == 1 && (se = T, le = O, X = k, B = P), Be && Qt(R, Ft(se, R), Ft(se + le, R)), Ge) {
        for (let H in S) {
          let we = S[H];
          H != R && we.from == null && we.min != pe && Qt(H, Ft(X + B, H), Ft(X, H));
        }
      }
      Mo();
    } else V.lock && (V._lock = !V._lock, _n(r, !0, s != null));
    s != null && (An(Ko, es), fl(Ko, n, me, $e, J, N, null));
  }
  function Xa(s, r, c, f, h, v, y) {
    if (V._lock) return;
    pn(s);
    let k = Zt;
    if (Zt) {
      let T = !0, P = !0, O = 10, W, j;
      E.ori == 0 ? (W = Be, j = Ge) : (W = Ge, j = Be),
        W && j && (T = me <= O || me >= J - O, P = $e <= O || $e >= N - O),
        W && T && (me = me < zn ? 0 : J),
        j && P && ($e = $e < qn ? 0 : N),
        _n(null, !0, !0),
        Zt = !1;
    }
    me = -10, $e = -10, ue.fill(null), _n(null, !0, !0), k && (Zt = k);
  }
  function Xs(s, r, c, f, h, v, y) {
    V._lock || (pn(s), uo(), Mo(), s != null && fl(Ni, n, me, $e, J, N, null));
  }
  function ei() {
    C.forEach(uf), ao(n.width, n.height, !0);
  }
  $n(Yl, Yn, ei);
  let Bn = {};
  Bn.mousedown = Zs,
    Bn.mousemove = Gs,
    Bn.mouseup = Qs,
    Bn.dblclick = Xs,
    Bn.setSeries = (s, r, c, f) => {
      let h = De.match[2];
      c = h(n, r, c), c != -1 && Ht(c, f, !0, !1);
    },
    Xe && (et(Di, x, Zs),
      et(Yo, x, Gs),
      et(Li, x, (s) => {
        pn(s), cl(!1);
      }),
      et(Oi, x, Xa),
      et(Ni, x, Xs),
      as.add(n),
      n.syncRect = cl);
  let Ol = n.hooks = e.hooks || {};
  function je(s, r, c) {
    yo ? rl.push([s, r, c]) : s in Ol && Ol[s].forEach((f) => {
      f.call(null, n, r, c);
    });
  }
  (e.plugins || []).forEach((s) => {
    for (let r in s.hooks) Ol[r] = (Ol[r] || []).concat(s.hooks[r]);
  });
  let ti = (s, r, c) => c,
    De = Oe({
      key: null,
      setSeries: !1,
      filters: { pub: Gi, sub: Gi },
      scales: [R, b[1] ? b[1].scale : null],
      match: [ji, ji, ti],
      values: [null, null],
    }, V.sync);
  De.match.length == 2 && De.match.push(ti), V.sync = De;
  let ni = De.key, Ao = Ir(ni);
  function fl(s, r, c, f, h, v, y) {
    De.filters.pub(s, r, c, f, h, v, y) && Ao.pub(s, r, c, f, h, v, y);
  }
  Ao.sub(n);
  function eu(s, r, c, f, h, v, y) {
    De.filters.sub(s, r, c, f, h, v, y) && Bn[s](null, r, c, f, h, v, y);
  }
  n.pub = eu;
  function tu() {
    Ao.unsub(n), as.delete(n), rn.clear(), ls(Yl, Yn, ei), d.remove(), re?.remove(), je("destroy");
  }
  n.destroy = tu;
  function Co() {
    je("init", e, t),
      Ds(t || e.data, !1),
      z[R] ? $o(R, z[R]) : uo(),
      El = ge.show && (ge.width > 0 || ge.height > 0),
      fn = yt = !0,
      ao(e.width, e.height);
  }
  return b.forEach(Cs),
    C.forEach(La),
    l ? l instanceof HTMLElement ? (l.appendChild(d), Co()) : l(n, Co) : Co(),
    n;
}
Ke.assign = Oe;
Ke.fmtNum = _s;
Ke.rangeNum = Kl;
Ke.rangeLog = Ql;
Ke.rangeAsinh = hs;
Ke.orient = kn;
Ke.pxRatio = ie;
Ke.join = Xu;
Ke.fmtDate = gs, Ke.tzDate = cc;
Ke.sync = Ir;
{
  Ke.addGap = Gc, Ke.clipGaps = to;
  let e = Ke.paths = { points: Kr };
  e.linear = Zr, e.stepped = Kc, e.bars = Jc, e.spline = Qc;
}
var kl = class extends Error {
    status;
    code;
    constructor(t, l, n) {
      super(n), this.status = t, this.code = l;
    }
  },
  ks = () => {};
function ta(e) {
  ks = e;
}
function Se(e) {
  return xs("GET", e);
}
function at(e, t) {
  return xs("POST", e, t);
}
async function na() {
  await xs("DELETE", "/admin/session"), ks();
}
async function xs(e, t, l) {
  let n = await fetch(t, {
    method: e,
    headers: { "cwm-console": "1", ...l === void 0 ? {} : { "content-type": "application/json" } },
    body: l === void 0 ? null : JSON.stringify(l),
    credentials: "same-origin",
  });
  if (n.status === 204) return;
  let o = await n.json();
  if (n.ok) return o;
  n.status === 401 && t !== "/admin/session" && ks();
  let { code: i = "unknown", message: a = n.statusText } = o.error ?? {};
  throw new kl(n.status, i, a);
}
function Ne(e) {
  let t = Object.entries(e).filter((l) => !!l[1]);
  return t.length === 0 ? "" : `?${new URLSearchParams(t)}`;
}
var xn = globalThis.document;
async function la(e) {
  try {
    return await navigator.clipboard?.writeText(e), !0;
  } catch {
    return !1;
  }
}
var $ = Po.bind(Wo), cf = 5e3;
function Me(e, t, l = cf) {
  let [n, o] = fe({ key: t }), [i, a] = fe(0);
  Dt(() => {
    let p = !1,
      d,
      _ = async () => {
        try {
          if (xn.visibilityState === "visible") {
            let m = await e();
            p || o({ value: m, key: t });
          }
        } catch (m) {
          p || o((w) => ({ ...w, key: t, error: nl(m) }));
        }
        p || (d = setTimeout(_, l));
      };
    return _(), () => {
      p = !0, clearTimeout(d);
    };
  }, [t, i]);
  let u = n.key === t;
  return { value: u ? n.value : void 0, error: u ? n.error : void 0, again: () => a((p) => p + 1) };
}
function nl(e) {
  return e instanceof kl ? e.message : "The gateway cannot be reached";
}
function Ae({ value: e, error: t }, l) {
  return $`
    ${t === void 0 ? null : $`<p class="error" role="alert">${t}</p>`}
    ${e === void 0 ? t === void 0 ? $`<p class="quiet">Loading …</p>` : null : l(e)}
  `;
}
function qe(e, t, l, n) {
  return l.length === 0 ? $`<p class="quiet">${n}</p>` : $`
    <div class="scroll" tabindex="0" role="region" aria-label=${e}>
      <table>
        <caption class="hidden">${e}</caption>
        <thead>
          <tr>${t.map((o) => $`<th scope="col" class=${o.isNumber ? "number" : ""}>${o.name}</th>`)}</tr>
        </thead>
        <tbody>
          ${
    l.map((o) => $`<tr>${t.map((i) => $`<td class=${i.isNumber ? "number" : ""}>${i.show(o)}</td>`)}</tr>`)
  }
        </tbody>
      </table>
    </div>
  `;
}
var ff = {
  well: "good",
  ok: "good",
  on: "good",
  open: "good",
  accepted: "good",
  delivered: "good",
  impaired: "warn",
  stale: "warn",
  off: "warn",
  paused: "warn",
  waiting: "warn",
  filtered: "plain",
  disabled: "plain",
  idle: "plain",
  under_way: "plain",
  in_channel: "plain",
};
function Ce(e) {
  return $`<span class="badge ${ff[e] ?? "bad"}">${e.replaceAll("_", " ")}</span>`;
}
function Pe(e) {
  if (!e) return $`<span class="quiet">–</span>`;
  let t = Math.max(0, (Date.now() - Date.parse(e)) / 1e3);
  return $`<time datetime=${e} title=${e}>${pf(t)} ago</time>`;
}
function pf(e) {
  return e < 100
    ? `${Math.round(e)} s`
    : e < 6e3
    ? `${Math.round(e / 60)} min`
    : e < 172800
    ? `${Math.round(e / 3600)} h`
    : `${Math.round(e / 86400)} d`;
}
function ut({ label: e, run: t, isDanger: l }) {
  let [n, o] = fe({ isBusy: !1 }),
    i = async () => {
      o({ isBusy: !0 });
      try {
        let a = await t();
        o({ isBusy: !1, ...a === void 0 ? {} : { told: a } });
      } catch (a) {
        o({ isBusy: !1, told: nl(a), isError: !0 });
      }
    };
  return $`
    <span class="action">
      <button type="button" class=${l ? "danger" : ""} disabled=${n.isBusy} onClick=${i}>${e}</button>
      ${
    n.told === void 0 ? null : $`<span role="status" class=${n.isError ? "error" : "quiet"}>${n.told}</span>`
  }
    </span>
  `;
}
function Tn(e) {
  return confirm(e);
}
function ct(e, t) {
  let l = `${e}/${t}`;
  return $`<a href=${`#/webhooks/${l}`}>${l}</a>`;
}
function ke(e, t) {
  return `${e.toLocaleString("en")} ${t}${e === 1 ? "" : "s"}`;
}
var oa = 2e4, hf = 1e3, df = 200;
function sa({ webhook: e }) {
  let t = Me(() => _f(e), e ?? "", 15e3);
  return $`
    <h1>Dead letters</h1>
    ${e === void 0 ? null : $`<p>of ${e} <a href="#/dead-letters">all</a></p>`}
    ${
    Ae(t, ({ groups: l, isPart: n }) =>
      $`
        ${
        qe(
          "Dead letters",
          [
            {
              name: "Webhook",
              show: ({ namespace: o, webhook: i }) => ct(o, i),
            },
            { name: "Count", show: ({ count: o }) => o.toLocaleString("en"), isNumber: !0 },
            { name: "Reason", show: ({ reason: o, message: i }) => $`${Ce(o)} ${i}` },
            {
              name: "Last",
              show: ({ last: o }) => Pe(o),
            },
            {
              name: "One of them",
              show: ({ example: o }) => $`<a href=${`#/events/${o}`}><code>${o}</code></a>`,
            },
            { name: "", show: (o) => $`<${gf} key=${ia(o)} group=${o} again=${t.again} />` },
          ],
          l,
          "There are none",
        )
      }
        ${n ? $`<p class="quiet">The first ${oa.toLocaleString("en")} were looked at</p>` : null}
      `)
  }
  `;
}
function ia({ namespace: e, webhook: t, reason: l }) {
  return `${e}/${t} ${l}`;
}
async function _f(e) {
  let t = new Map(), l, n = 0;
  do {
    let o = await Se(`/admin/dead-letters${Ne({ ...mf(e), limit: String(hf), cursor: l ?? void 0 })}`);
    for (let { namespace: i, webhook: a, reason: u, message: p, died_at: d, id: _ } of o.dead_letters) {
      let m = ia({ namespace: i, webhook: a, reason: u }), w = t.get(m);
      w === void 0
        ? t.set(m, { namespace: i, webhook: a, reason: u, message: p, last: d, example: _, count: 1 })
        : w.count++;
    }
    n += o.dead_letters.length, l = o.cursor;
  } while (l !== null && n < oa);
  return { groups: [...t.values()].sort((o, i) => i.count - o.count), isPart: l !== null };
}
function mf(e) {
  if (e === void 0) return {};
  let t = e.indexOf("/");
  return { namespace: e.slice(0, t), webhook: e.slice(t + 1) };
}
function gf({ group: e, again: t }) {
  let [l, n] = fe(),
    { namespace: o, webhook: i, reason: a, count: u } = e,
    p = { namespace: o, webhook: i, reason: a };
  return $`
    <span class="bar">
      <${ut} label="Deliver again" run=${async () => {
    if (!Tn(`Deliver ${ke(u, "dead letter")} of ${o}/${i} again?`)) return;
    let [m, w] = [0, void 0];
    for (;;) {
      n(m);
      let g = await at(
        `/admin/events/replay${
          Ne({ webhook: `${o}/${i}`, state: "dead_letter", limit: String(df), cursor: w })
        }`,
      );
      if (m += g.replayed, g.cursor === null) break;
      w = g.cursor;
    }
    return n(void 0), t(), `${ke(m, "event")} delivered again`;
  }} />
      <${ut} label="Remove" isDanger run=${async () => {
    if (!Tn(`Remove ${ke(u, "dead letter")} of ${o}/${i} for good?`)) return;
    let { dropped: m } = await at(`/admin/dead-letters/drop${Ne(p)}`);
    return t(), `${ke(m, "dead letter")} removed`;
  }} />
      ${
    l === void 0
      ? null
      : $`<progress value=${l} max=${Math.max(u, l)} aria-label="Delivered again"></progress>`
  }
    </span>
  `;
}
var wf = ["", "waiting", "under_way", "in_channel", "delivered", "dead_letter", "refused"];
function ra({ webhook: e }) {
  let [t, l] = fe(""),
    [n, o] = fe([]),
    i = `/admin/events${Ne({ webhook: e, state: t, cursor: n.at(-1) })}`,
    a = Me(() => Se(i), i);
  return $`
    <h1>Events</h1>
    <p class="bar">
      <label>State
        <select
          value=${t}
          onChange=${(u) => {
    o([]), l(u.target.value);
  }}
        >
          ${wf.map((u) => $`<option value=${u}>${u === "" ? "any" : u.replaceAll("_", " ")}</option>`)}
        </select>
      </label>
      ${e === void 0 ? null : $`<span>of ${e} <a href="#/events">all</a></span>`}
    </p>
    ${
    Ae(a, ({ events: u, cursor: p }) =>
      $`
        ${vf(u)}
        <p class="bar">
          <button type="button" disabled=${n.length === 0} onClick=${() => o(n.slice(0, -1))}>Back</button>
          <button type="button" disabled=${p === null} onClick=${() => o([...n, p])}>On</button>
        </p>
      `)
  }
  `;
}
function vf(e) {
  return qe(
    "Events",
    [
      { name: "Received", show: (t) => Pe(t.received_at) },
      { name: "Webhook", show: ({ namespace: t, webhook: l }) => ct(t, l) },
      { name: "State", show: ({ state: t }) => Ce(t) },
      {
        name: "Attempts",
        show: ({ attempts: t }) => t ?? "\u2013",
        isNumber: !0,
      },
      { name: "Next", show: ({ next_attempt_at: t }) => t === void 0 ? "\u2013" : aa(t) },
      { name: "Why", show: ({ message: t, reason: l, channel: n }) => t ?? l ?? n ?? "" },
      { name: "Id", show: ({ id: t }) => $`<a href=${`#/events/${t}`}><code>${t}</code></a>` },
    ],
    e,
    "No event stands in the journal. What is delivered leaves it, unless a retention is set",
  );
}
function aa(e) {
  let t = Math.round((Date.parse(e) - Date.now()) / 1e3);
  return t <= 0 ? "now" : `in ${t} s`;
}
function ua({ id: e }) {
  let t = Me(() => Se(`/admin/events${Ne({ id: e, contents: "true" })}`), e);
  return $`
    <h1>Event <code>${e}</code></h1>
    ${
    Ae(t, ({ events: [l] }) =>
      l === void 0
        ? $`
          <p
            class="quiet">It does not stand in the journal: it was delivered, refused or filtered. See <a href="#/requests">the last requests</a>.</p>
        `
        : $`<${bf} event=${l} again=${t.again} />`)
  }
  `;
}
function bf({ event: e, again: t }) {
  let { headers: l = {}, body: n, body_base64: o } = e;
  return $`
    <p class="headline">${Ce(e.state)} ${ct(e.namespace, e.webhook)}, received ${Pe(e.received_at)}</p>
    <dl>
      <dt>Attempts</dt><dd>${e.attempts ?? "not known"}</dd>
      ${
    e.next_attempt_at === void 0 ? null : $`
        <dt>Next attempt</dt>
        <dd>${aa(e.next_attempt_at)}</dd>
      `
  }
      ${
    e.message === void 0 ? null : $`
        <dt>Why</dt>
        <dd>${e.reason}: ${e.message}</dd>
      `
  }
      ${
    e.connection === void 0 ? null : $`
        <dt>At</dt>
        <dd>${e.connection}</dd>
      `
  }
      ${
    e.bytes === void 0 ? null : $`
        <dt>Body</dt>
        <dd>${ke(e.bytes, "byte")}</dd>
      `
  }
    </dl>
    <p class="bar">
      ${e.state === "waiting" ? $`<${ut} label="Try again what waits" run=${() => yf(e, t)} />` : null}
      ${
    e.state === "dead_letter" || e.state === "delivered"
      ? $`<${ut} label="Deliver again" run=${() => $f(e, t)} />`
      : null
  }
    </p>
    <h2>Headers</h2>
    ${
    qe(
      "Headers",
      [{ name: "Name", show: ([i]) => i }, {
        name: "Value",
        show: ([, i]) => $`<code>${i}</code>`,
      }],
      Object.entries(l),
      "None",
    )
  }
    <h2>Body</h2>
    <pre tabindex="0">${n ?? o ?? ""}</pre>
  `;
}
async function yf({ namespace: e, webhook: t }, l) {
  let { events: n } = await at(`/admin/events/retry${Ne({ webhook: `${e}/${t}` })}`);
  return l(), `${ke(n, "event")} of this webhook tried now`;
}
async function $f({ id: e }, t) {
  let { replayed: l } = await at(`/admin/events/replay${Ne({ id: e })}`);
  return t(), l === 0 ? "Nothing to deliver again" : "It is delivered again";
}
var Sf = 300,
  kf = 160,
  ll = class {
    names;
    times;
    lines;
    #e;
    constructor(t) {
      this.names = t, this.times = [], this.lines = t.map(() => []);
    }
    add(t) {
      let l = Date.now() / 1e3, n = this.#e;
      if (
        this.#e = { at: l, counts: t },
          !(n === void 0 || l <= n.at || t.some((o, i) => o < n.counts[i])) &&
          (this.times.push(l),
            t.forEach((o, i) => this.lines[i].push((o - n.counts[i]) / (l - n.at))),
            !(this.times.length <= Sf))
      ) {
        this.times.shift();
        for (let o of this.lines) o.shift();
      }
    }
    get summary() {
      return `${
        this.lines.map((l, n) => `${this.names[n]} ${(l.at(-1) ?? 0).toFixed(1)}`).join(", ")
      } a second`;
    }
  },
  xf = ["#2f7d4f", "#b3541e", "#a3262e", "#2b5fa8"];
function so({ rates: e, turn: t }) {
  let l = ln(null), n = ln(null);
  return Dt(() => {
    let o = l.current,
      i = new Ke(
        {
          width: Math.max(240, o.clientWidth),
          height: kf,
          cursor: { show: !1 },
          legend: { show: !1 },
          axes: [{ stroke: "#767676", grid: { show: !1 } }, { stroke: "#767676", size: 44 }],
          scales: { y: { range: (a, u, p) => [0, Math.max(1, p * 1.1)] } },
          series: [{}, ...e.names.map((a, u) => ({ label: a, stroke: xf[u], width: 2 }))],
        },
        ca(e),
        o,
      );
    return n.current = i, () => i.destroy();
  }, [e]),
    Dt(() => n.current?.setData(ca(e)), [t]),
    $`
    <figure class="chart">
      <figcaption>
        ${e.names.map((o, i) => $`<span class="key key-${i}">${o}</span>`)}
        <span class="quiet">a second, since this page was opened</span>
      </figcaption>
      <div ref=${l} role="img" aria-label=${e.summary}></div>
    </figure>
  `;
}
function ca({ times: e, lines: t }) {
  return [e, ...t];
}
var Tf = 2e3;
function pa() {
  let e = Me(() => Se("/admin/status"), "status");
  return $`
    <h1>Now</h1>
    ${Ae(e, (t) => $`<${Ef} status=${t} />`)}
    <${Cf} />
  `;
}
function Ef({ status: e }) {
  return $`
    <p class="headline">${Ce(e.status)} ${Mf(e)}</p>
    <ul class="tiles">
      ${
    Object.entries(e.parts).map(([t, { state: l, count: n }]) =>
      $`<li><span>${t}</span>${Ce(l)}${n > 0 ? $`<b>${n}</b>` : null}</li>`
    )
  }
    </ul>
    <h2>What is wrong</h2>
    ${Ts(e.troubles)}
    ${e.unlisted > 0 ? $`<p class="quiet">${ke(e.unlisted, "more trouble")}, not listed</p>` : null}
  `;
}
function Mf({ troubles: e }) {
  return e.length === 0 ? "Everything is well" : ke(e.length, "thing") + " to look at";
}
function Ts(e) {
  return qe(
    "What is wrong",
    [{ name: "State", show: ({ state: t }) => Ce(t) }, { name: "What", show: (t) => $`${t.part} ${Af(t)}` }, {
      name: "Cause, and what to do",
      show: ({ cause: t, count: l }) => $`${t}${l === void 0 ? "" : ` (${l} times)`}`,
    }, {
      name: "Since",
      show: ({ since: t }) => Pe(t),
    }],
    e,
    "Nothing is wrong",
  );
}
function Af({ part: e, name: t, kind: l }) {
  return l === "missing"
    ? $`<a href="#/unknown">${t}</a>`
    : e === "webhook"
    ? ct(...fa(t))
    : e === "configuration" && t.startsWith("webhook ")
    ? ct(...fa(t.slice(8)))
    : e === "configuration"
    ? $`<a href="#/problems">${t}</a>`
    : e === "channel"
    ? $`<a href="#/channels">${t}</a>`
    : e === "output" || e === "connection"
    ? $`<a href="#/connections">${t}</a>`
    : t;
}
function fa(e) {
  let t = e.indexOf("/");
  return [e.slice(0, t), e.slice(t + 1)];
}
function Cf() {
  let e = ln(new ll(["accepted", "refused", "failed"])).current,
    [t, l] = fe(0),
    n = Me(
      async () => {
        let o = await Se("/admin/stats"), { requests: i } = o;
        return i !== void 0 && (e.add([i.accepted, i.refused, i.failed]), l((a) => a + 1)), o;
      },
      "stats",
      Tf,
    );
  return $`
    <h2>Requests</h2>
    ${
    Ae(n, ({ requests: o, webhooks: i, connections: a, uptime_seconds: u }) =>
      $`
        <p class="quiet">
          ${ke(i, "webhook")}, ${ke(a, "connection")}; started ${Pe(Pf(u))}
        </p>
        ${o === void 0 ? null : $`<${so} rates=${e} turn=${t} />`}
      `)
  }
  `;
}
function Pf(e) {
  return new Date(Date.now() - e * 1e3).toISOString();
}
function da() {
  let e = Me(() => Se("/admin/connections"), "connections");
  return $`
    <h1>Connections</h1>
    ${
    Ae(e, ({ connections: t, other_outputs: l }) =>
      $`
        ${
        ha(
          "Connections",
          t.flatMap(({ name: n, type: o, outputs: i }) =>
            i.length === 0
              ? [{ name: n, type: o, module: "", state: "idle", active: 0 }]
              : i.map((a) => ({ name: n, type: o, ...a }))
          ),
          "No connection is configured",
        )
      }
        <h2>Outputs without a connection</h2>
        ${ha("Other outputs", l.map((n) => ({ name: "", type: "", ...n })), "None is in use")}
      `)
  }
  `;
}
function ha(e, t, l) {
  return qe(
    e,
    [
      { name: "Connection", show: (n) => n.name || "\u2013" },
      { name: "Type", show: ({ type: n, module: o }) => o || n },
      { name: "State", show: ({ state: n }) => Ce(n) },
      {
        name: "Under way",
        show: ({ active: n }) => n,
        isNumber: !0,
      },
      { name: "Last failure", show: ({ failure: n }) => n === void 0 ? "" : n.message },
    ],
    t,
    l,
  );
}
function _a() {
  let e = Me(() => Se("/admin/connectors"), "connectors"), t = Me(() => Se("/admin/status"), "status");
  return $`
    <h1>Channels</h1>
    ${
    Ae(t, ({ troubles: l }) => {
      let n = l.filter(({ part: o }) => o === "channel");
      return n.length === 0 ? null : Ts(n);
    })
  }
    <h2>Connectors</h2>
    ${
    Ae(e, ({ connectors: l }) =>
      qe(
        "Connectors",
        [
          {
            name: "Channel",
            show: ({ channel: n }) => n,
          },
          { name: "Connector", show: ({ name: n }) => n },
          { name: "From", show: ({ address: n }) => n },
          {
            name: "State",
            show: ({ connected: n }) => Ce(n ? "on" : "away"),
          },
          { name: "Since", show: ({ since: n }) => Pe(n) },
          {
            name: "Holds",
            show: ({ in_flight: n, window: o }) => `${n} of ${o}`,
            isNumber: !0,
          },
          {
            name: "Acknowledged",
            show: ({ acknowledged_at: n }) => Pe(n),
          },
          { name: "", show: (n) => $`<${ut} label="End" isDanger run=${() => Df(n, e.again)} />` },
        ],
        l,
        "No connector takes events here",
      ))
  }
  `;
}
async function Df({ id: e, name: t, channel: l }, n) {
  Tn(`End the connection of ${t} to ${l}? What it holds is handed out again.`) &&
    (await at(`/admin/connectors/end${Ne({ id: e })}`), n());
}
function ga() {
  let e = Me(() => Se("/admin/config"), "config");
  return $`
    <h1>Configuration</h1>
    ${
    Ae(e, (t) =>
      $`
        <p class="headline">
          ${Ce(t.connected && !t.degraded ? "ok" : "impaired")} from ${t.backend}, revision
          ${t.revision ?? "\u2013"}, read ${Pe(t.last_sync_at)}
        </p>
        ${t.outage === null ? null : $`<p class="error">${t.outage.message}, since ${Pe(t.outage.since)}</p>`}
        <h2>${ke(t.problem_count, "problem")}</h2>
        ${ma("Problems", t.problems, "Everything is served as it is configured")}
        <h2>${ke(t.warning_count, "warning")}</h2>
        ${ma("Warnings", t.warnings, "None")}
      `)
  }
  `;
}
function ma(e, t, l) {
  return qe(
    e,
    [
      { name: "Key", show: ({ key: n }) => n.startsWith("webhook ") ? Lf(n.slice(8)) : n },
      { name: "Where", show: ({ path: n }) => $`<code>${n}</code>` },
      { name: "What", show: ({ message: n }) => n },
      {
        name: "Served meanwhile",
        show: ({ serving: n }) => n?.replaceAll("_", " ") ?? "\u2013",
      },
      { name: "Since", show: ({ since: n }) => Pe(n) },
    ],
    t,
    l,
  );
}
function Lf(e) {
  let t = e.indexOf("/");
  return ct(e.slice(0, t), e.slice(t + 1));
}
function wa() {
  let e = Me(() => Se("/admin/status"), "status");
  return $`
    <h1>Unknown paths</h1>
    ${
    Ae(e, ({ troubles: t }) =>
      qe(
        "Unknown paths",
        [{ name: "Webhook", show: ({ name: l }) => $`<code>${l}</code>` }, {
          name: "Requests",
          show: ({ count: l }) => l ?? "\u2013",
          isNumber: !0,
        }, {
          name: "Cause, and what to do",
          show: ({ cause: l }) => l,
        }, {
          name: "Since",
          show: ({ since: l }) => Pe(l),
        }],
        t.filter(({ kind: l }) => l === "missing"),
        "Nobody has called a webhook that does not exist within five minutes",
      ))
  }
  `;
}
var Es = 200, Of = 250;
function va() {
  let [e, t] = fe(!1), [l, n] = fe(!1), o = e ? "true" : void 0;
  return $`
    <h1>Requests</h1>
    <p class="bar">
      <label><input type="checkbox" checked=${e} onChange=${() => t(!e)} /> refused and failed only</label>
      <label><input type="checkbox" checked=${l} onChange=${() => n(!l)} /> live</label>
    </p>
    ${l ? $`<${Rf} key=${`${o}`} refused=${o} />` : $`<${Nf} refused=${o} />`}
  `;
}
function Nf({ refused: e }) {
  let t = `/admin/requests${Ne({ refused: e })}`, l = Me(() => Se(t), t);
  return Ae(l, ({ since: n, requests: o, others: i }) =>
    $`
      <p class="quiet">20 of each webhook are kept in memory, since the start ${Pe(n)}</p>
      ${io(o, "No request yet")}
      ${i > 0 ? $`<p class="quiet">${ke(i, "other")}: see a webhook's own list</p>` : null}
    `);
}
function Rf({ refused: e }) {
  let [t, l] = fe({ rows: [], count: 0, dropped: 0 });
  return Dt(() => {
    let n = [], [o, i] = [0, 0], a = new EventSource(`/admin/tail${Ne({ refused: e })}`);
    a.onmessage = ({ data: p }) => {
      o++, n.push(Wf(JSON.parse(p))), n.length > Es && (n = n.slice(-Es));
    },
      a.addEventListener("dropped", (p) => {
        i += JSON.parse(p.data).requests;
      });
    let u = setInterval(() => {
      let p = n.toReversed();
      n = [], l((d) => ({ rows: [...p, ...d.rows].slice(0, Es), count: o, dropped: i }));
    }, Of);
    return () => {
      a.close(), clearInterval(u);
    };
  }, []),
    $`
    <p class="quiet" role="status">
      ${ke(t.count, "request")} since you look${
      t.dropped > 0 ? `, ${ke(t.dropped, "other")} too fast to be shown` : ""
    }
    </p>
    ${io(t.rows, "Waiting for requests \u2026")}
  `;
}
function Wf({ at: e, reason: t, ...l }) {
  return { time: new Date(e).toISOString(), ...l, reason: t ?? null };
}
function io(e, t) {
  return qe(
    "Requests",
    [
      { name: "When", show: ({ time: l }) => Pe(l) },
      { name: "Webhook", show: ({ namespace: l, webhook: n }) => ct(l, n) },
      { name: "Outcome", show: ({ outcome: l }) => Ce(l) },
      {
        name: "Status",
        show: ({ status: l }) => l,
        isNumber: !0,
      },
      { name: "ms", show: ({ ms: l }) => l ?? "\u2013", isNumber: !0 },
      { name: "Bytes", show: ({ bytes: l }) => l ?? "\u2013", isNumber: !0 },
      {
        name: "Why",
        show: ({ reason: l, client: n }) => $`${l ?? ""}${" "}<span class="quiet">${n ?? ""}</span>`,
      },
      {
        name: "Id",
        show: ({ id: l, outcome: n }) =>
          n === "accepted" ? $`<a href=${`#/events/${l}`}><code>${l}</code></a>` : $`<code>${l}</code>`,
      },
    ],
    e,
    t,
  );
}
var Vf = 2e3;
function Sa({ path: e }) {
  let t = ln(new ll(["accepted", "filtered", "not accepted"])).current,
    [l, n] = fe(0),
    o = Me(
      async () => {
        let a = await Se(`/admin/webhooks/${e}`);
        return t.add(Ff(a.requests)), n((u) => u + 1), a;
      },
      e,
      Vf,
    ),
    i = Me(() => Se(`/admin/requests${Ne({ webhook: e })}`), e);
  return $`
    <h1>${e}</h1>
    ${
    Ae(o, (a) =>
      $`
          <p class="headline">${Ce(a.state)} ${Hf(a)} ${Ce(a.deliveries.state)} ${
        a.deliveries.cause ?? ""
      }</p>
        ${ba("Problems", a.problems)} ${ba("Warnings", a.warnings)}
          <p class="bar">
            ${
        a.deliveries.state === "on"
          ? $`<${ut} label="Pause deliveries" run=${() => ya(e, "pause", o.again)} />`
          : $`<${ut} label="Resume deliveries" run=${() => ya(e, "resume", o.again)} />`
      }
            <${ut} label="Try again what waits" run=${() => zf(e)} />
            <a href=${`#/events?webhook=${e}`}>Events</a>
            <a href=${`#/dead-letters?webhook=${e}`}>Dead letters</a>
          </p>
          <h2>Requests</h2>
          <${so} rates=${t} turn=${l} />
          <p class="quiet">
            Since the start: ${Object.entries(a.requests).map(([u, p]) => `${u} ${p}`).join(", ")}
          </p>
      `)
  }
    ${Ae(i, ({ requests: a }) => io(a, "No request since the start of the gateway"))}
    <${qf} path=${e} />
  `;
}
function Hf({ modules: e, accept: t }) {
  let l = t === "durable" ? "stored" : "delivered";
  return `goes to ${e.join(", ") || "nothing"}, accepts when ${l}; deliveries are`;
}
function Ff(e) {
  let { accepted: t = 0, filtered: l = 0, ...n } = e;
  return [t, l, Object.values(n).reduce((o, i) => o + i, 0)];
}
function ba(e, t) {
  return t.length === 0 ? null : $`
    <h2>${e}</h2>
    ${
    qe(
      e,
      [
        {
          name: "Where",
          show: ({ path: l }) => $`<code>${l}</code>`,
        },
        { name: "What", show: ({ message: l }) => l },
        { name: "Served meanwhile", show: ({ serving: l }) => l?.replaceAll("_", " ") ?? "\u2013" },
        {
          name: "Since",
          show: ({ since: l }) => Pe(l),
        },
      ],
      t,
      "None",
    )
  }
  `;
}
async function ya(e, t, l) {
  t === "pause" && !Tn(`Pause the deliveries of ${e}? Events are accepted and wait.`) ||
    (await at(`/admin/stops/${t}${Ne({ webhook: e })}`), l());
}
async function zf(e) {
  let { events: t } = await at(`/admin/events/retry${Ne({ webhook: e })}`);
  return t === 0 ? "No event waits" : `${ke(t, "event")} tried now`;
}
function qf({ path: e }) {
  let [t, l] = fe('{"test": true}'), [n, o] = fe();
  return $`
    <h2>Send a test event</h2>
    <form onSubmit=${(u) => u.preventDefault()}>
      <label>Body
        <textarea rows="4" value=${t} onInput=${(u) => {
    l(u.target.value);
  }}></textarea>
      </label>
      <p class="bar">
        <${ut} label="Send" run=${async () => {
    try {
      o(await at("/admin/send", { webhook: e, body_base64: Uf(t) }));
    } catch (u) {
      o(nl(u));
    }
  }} />
        <${ut} label="Copy as curl" run=${async () => await la($a(e, t)) ? "Copied" : $a(e, t)} />
      </p>
      ${If(n)}
    </form>
  `;
}
function If(e) {
  return e === void 0 ? null : typeof e == "string" ? $`<p class="error" role="alert">${e}</p>` : $`
    <p role="status">
      ${Ce(e.outcome ?? "not accepted")} answered with ${e.status}, event
      <a href=${`#/events/${e.event_id}`}><code>${e.event_id}</code></a>
    </p>
    <pre>${e.answer}</pre>
  `;
}
function Uf(e) {
  return new TextEncoder().encode(e).toBase64();
}
function $a(e, t) {
  let l = (n) => `'${n.replaceAll("'", "'\\''")}'`;
  return `curl -i ${l(`${location.origin}/webhook/${e}`)} -H 'content-type: application/json' --data-raw ${
    l(t)
  }`;
}
function ka() {
  let [e, t] = fe(""),
    [l, n] = fe([]),
    o = `/admin/webhooks${Ne({ search: e, after: l.at(-1) })}`,
    i = Me(() => Se(o), o);
  return $`
    <h1>Webhooks</h1>
    <form class="bar" onSubmit=${(a) => a.preventDefault()}>
      <label>Search
        <input
          type="search"
          value=${e}
          placeholder="a part of NAMESPACE/ID"
          onInput=${(a) => {
    n([]), t(a.target.value.trim());
  }}
        />
      </label>
    </form>
    ${
    Ae(i, ({ webhooks: a, count: u, after: p }) =>
      $`
        <p class="quiet">${ke(u, "webhook")}</p>
        ${
        qe(
          "Webhooks",
          [
            {
              name: "Webhook",
              show: ({ namespace: d, webhook: _ }) => ct(d, _),
            },
            { name: "Configuration", show: ({ state: d }) => Ce(d) },
            { name: "Goes to", show: ({ modules: d }) => d.join(", ") || "\u2013" },
            {
              name: "Accepts when",
              show: ({ accept: d }) => d ?? "\u2013",
            },
          ],
          a,
          "No webhook has this in its name",
        )
      }
        <p class="bar">
          <button type="button" disabled=${l.length === 0} onClick=${() => n(l.slice(0, -1))}>Back</button>
          <button type="button" disabled=${p === null} onClick=${() => n([...l, p])}>On</button>
        </p>
      `)
  }
  `;
}
var xa = [
  ["now", "Now"],
  ["webhooks", "Webhooks"],
  ["requests", "Requests"],
  ["events", "Events"],
  ["dead-letters", "Dead letters"],
  ["connections", "Connections"],
  ["channels", "Channels"],
  ["problems", "Configuration"],
  ["unknown", "Unknown paths"],
];
function Bf() {
  let [e, t] = fe(), [l, n] = fe(location.hash);
  Dt(() => {
    ta(() => t(null)),
      addEventListener("hashchange", () => n(location.hash)),
      Se("/admin/session").then((u) => t(u ?? null), () => t(null));
  }, []);
  let [o, i] = jf(l), [a = "now"] = o;
  return Dt(() => {
    xn.title = `${xa.find(([u]) => u === a)?.[1] ?? "Console"} \u2013 webhook gateway`,
      xn.getElementById("view")?.focus();
  }, [l, e]),
    e === void 0 ? $`<p class="quiet">Loading …</p>` : e === null ? $`<${Kf} onSignedIn=${t} />` : $`
    <a class="skip" href="#view" onClick=${Gf}>To the view</a>
    <header>
      <strong>Webhook gateway</strong>
      <nav aria-label="Views">
        ${xa.map(([u, p]) => $`<a href=${`#/${u}`} aria-current=${u === a ? "page" : null}>${p}</a>`)}
      </nav>
      <span
        class="person">${e.name}, ${e.role} <button type="button" onClick=${() =>
      na()}>Sign out</button></span>
    </header>
    <main id="view" tabindex="-1">${Yf(a, o.slice(1), i)}</main>
  `;
}
function Gf(e) {
  e.preventDefault(), xn.getElementById("view")?.focus();
}
function jf(e) {
  let [t = "", l = ""] = e.replace(/^#\/?/, "").split("?");
  return [t.split("/").filter((n) => n !== "").map(decodeURIComponent), new URLSearchParams(l)];
}
function Yf(e, t, l) {
  let n = l.get("webhook") ?? void 0;
  switch (e) {
    case "webhooks":
      return t.length < 2 ? $`<${ka} />` : $`<${Sa} key=${t.join("/")} path=${t.join("/")} />`;
    case "requests":
      return $`<${va} />`;
    case "events":
      return t[0] === void 0 ? $`<${ra} webhook=${n} />` : $`<${ua} id=${t[0]} />`;
    case "dead-letters":
      return $`<${sa} webhook=${n} />`;
    case "connections":
      return $`<${da} />`;
    case "channels":
      return $`<${_a} />`;
    case "problems":
      return $`<${ga} />`;
    case "unknown":
      return $`<${wa} />`;
    default:
      return $`<${pa} />`;
  }
}
function Kf({ onSignedIn: e }) {
  let [t, l] = fe(""), [n, o] = fe();
  return $`
    <main class="sign-in" id="view" tabindex="-1">
      <h1>Webhook gateway</h1>
      <form onSubmit=${async (a) => {
    a.preventDefault();
    try {
      e(await at("/admin/session", { token: t }));
    } catch (u) {
      o(nl(u));
    }
  }}>
        <input class="hidden" type="text" autocomplete="username" value="admin" readonly tabindex="-1" aria-hidden="true" />
        <label>Admin token
          <input
            type="password"
            autocomplete="current-password"
            required
            value=${t}
            onInput=${(a) => l(a.target.value)}
          />
        </label>
        <button type="submit">Sign in</button>
        ${n === void 0 ? null : $`<p class="error" role="alert">${n}</p>`}
      </form>
    </main>
  `;
}
zo($`<${Bf} />`, xn.getElementById("console"));
