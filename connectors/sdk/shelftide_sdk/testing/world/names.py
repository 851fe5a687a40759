"""Invented names: agencies, brands, products, people. None belongs to a real firm to our knowledge."""

AGENCIES = (
    ("northpier", "North Pier", "#0f4c81", "en"),
    ("pontelungo", "Ponte Lungo", "#8a3324", "it"),
)

# Key, name, aliases, client, niche, market, currency, zone, locale, colour, agency, base orders a day.
DEEP_BRANDS = (
    ("luxi", "Luxi 露晞", ("Luxi", "露晞", "LUXI Skin"), ("luxi-bio", "Luxi Biotech 露晞生物"), "skincare", "US", "USD",
     "America/New_York", "zh-Hans", "#2a9d8f", 0, 46.0),
    ("nebbia", "Nebbia", ("Nebbia Profumi",), ("nebbia-srl", "Nebbia Profumi S.r.l."), "fragrance", "IT", "EUR",
     "Europe/Rome", "it", "#6d597a", 0, 28.0),
    ("corrente", "Corrente", ("Corrente Maglia",), ("corrente-spa", "Corrente Tessile S.p.A."), "knitwear", "IT", "EUR",
     "Europe/Rome", "it", "#1d3557", 1, 22.0),
    ("yumo", "Yumo 屿沫", ("Yumo", "屿沫", "嶼沫"), ("yumo-tw", "Yumo Living 嶼沫生活"), "bodycare", "TW", "TWD",
     "Asia/Taipei", "zh-Hant", "#e76f51", 1, 34.0),
    ("harubi", "Harubi", ("ハルビ",), ("harubi-kk", "Harubi K.K."), "stationery", "JP", "JPY",
     "Asia/Tokyo", "en", "#457b9d", 0, 18.0),
)  # fmt: skip

LIGHT_NAMES = (
    "Alderwick", "Baiyue 柏月", "Calanova", "Dovrena", "Elmhusk", "Fiordaliva", "Gannetry", "Hesperoak", "Isolarne",
    "Jingqi 晶栖", "Kelpwright", "Lanterell", "Mirovale", "Nuvolesta", "Ondarossa", "Pinemarrow", "Quillhaven",
    "Ruoshan 若杉", "Saltmere", "Tavolina", "Umberleaf", "Ventolana", "Wrenfold", "Xiaman 夏蔓", "Yarrowick",
    "Zephirelle", "Ambralune", "Brinewood", "Corvella", "Dunegrass", "Emberlyn", "Fennwick", "Glasmoor", "Hollowell",
    "Ivoretta", "Juniperre", "Kestrelle", "Lumora", "Maristella", "Nettlewood",
)  # fmt: skip
SYLLABLES = ("bra", "cel", "dor", "fen", "gal", "lor", "mar", "nor", "pel", "sil", "tor", "ven", "wyn", "zel")

# Market, currency, zone, locale of light brands.
MARKETS = (
    ("US", "USD", "America/Los_Angeles", "en"),
    ("GB", "GBP", "Europe/London", "en"),
    ("DE", "EUR", "Europe/Berlin", "en"),
    ("IT", "EUR", "Europe/Rome", "it"),
    ("CN", "CNY", "Asia/Shanghai", "zh-Hans"),
    ("TW", "TWD", "Asia/Taipei", "zh-Hant"),
    ("JP", "JPY", "Asia/Tokyo", "en"),
)

# Niche: (product, price in dollars, variants, weight, aliases).
CATALOGUE: dict[str, tuple[tuple[str, str, tuple[str, ...], float, tuple[str, ...]], ...]] = {
    "skincare": (
        ("Cica Patch", "14.90", ("24 pcs",), 0.36, ("积雪草贴", "Centella Patch")),
        ("Dew Serum", "29.00", ("30 ml", "50 ml"), 0.20, ("晨露精华",)),
        ("Rice Cleanser", "18.50", ("120 ml",), 0.16, ("米糠洁面",)),
        ("Cloud Cream", "34.00", ("50 g", "100 g"), 0.12, ("云感面霜",)),
        ("Sun Veil SPF 50", "24.00", ("40 ml",), 0.10, ("防晒轻纱",)),
        ("Sleep Mask", "27.00", ("80 ml",), 0.06, ("睡眠面膜",)),
    ),
    "fragrance": (
        ("Nebbia d'Alba", "78.00", ("30 ml", "75 ml"), 0.30, ("Alba",)),
        ("Sale e Fico", "82.00", ("50 ml",), 0.25, ()),
        ("Legno Bagnato", "88.00", ("50 ml",), 0.20, ()),
        ("Discovery Set", "32.00", ("6 x 2 ml",), 0.25, ("Set Scoperta",)),
    ),
    "knitwear": (
        ("Merino Crew", "119.00", ("S", "M", "L"), 0.40, ("Girocollo Merino",)),
        ("Rib Beanie", "39.00", ("One size",), 0.25, ("Berretto a coste",)),
        ("Cashmere Scarf", "98.00", ("Sand", "Navy"), 0.20, ("Sciarpa",)),
        ("Wool Socks", "19.00", ("36-40", "41-45"), 0.15, ("Calze",)),
    ),
    "bodycare": (
        ("Sea Foam Wash", "16.00", ("300 ml",), 0.34, ("海沫沐浴露",)),
        ("Tea Tree Soap", "9.00", ("100 g",), 0.26, ("茶樹皂",)),
        ("Yuzu Hand Cream", "13.00", ("50 ml", "80 ml"), 0.24, ("柚子護手霜",)),
        ("Body Oil", "28.00", ("100 ml",), 0.16, ("身體油",)),
    ),
    "stationery": (
        ("Grid Notebook", "11.00", ("A5", "A6"), 0.36, ("方眼ノート",)),
        ("Brush Pen Set", "22.00", ("12 colours",), 0.30, ("筆ペン",)),
        ("Washi Tape", "7.00", ("Five rolls",), 0.20, ("マスキングテープ",)),
        ("Desk Calendar", "18.00", ("Linen",), 0.14, ()),
    ),
    "home": (
        ("Stoneware Mug", "24.00", ("Sand", "Slate"), 0.40, ()),
        ("Linen Throw", "64.00", ("Oat",), 0.25, ()),
        ("Beeswax Candle", "29.00", ("180 g",), 0.35, ()),
    ),
    "outdoor": (
        ("Trail Bottle", "27.00", ("600 ml", "1 l"), 0.45, ()),
        ("Dry Bag", "34.00", ("10 l",), 0.30, ()),
        ("Camp Light", "42.00", ("Amber",), 0.25, ()),
    ),
    "pets": (
        ("Rope Toy", "12.00", ("S", "L"), 0.40, ()),
        ("Salmon Bites", "9.50", ("150 g",), 0.40, ()),
        ("Felt Bed", "58.00", ("M",), 0.20, ()),
    ),
}
LIGHT_NICHES = ("home", "outdoor", "pets", "skincare", "bodycare", "stationery")

HOOKS = (
    "three weeks with", "what nobody tells you about", "a quiet morning with", "packing an order of", "we tested",
    "small batch, big feelings:", "how we make", "the answer to your comments on", "before and after:",
    "restock day for",
)  # fmt: skip
TAGS = {
    "skincare": ("skincare", "glowup", "kbeauty", "护肤"),
    "fragrance": ("perfumetok", "profumo", "scent", "niche"),
    "knitwear": ("knitwear", "madeinitaly", "autumnfit", "wool"),
    "bodycare": ("bodycare", "showertok", "選物", "selfcare"),
    "stationery": ("stationery", "studygram", "文房具", "journaling"),
    "home": ("hometok", "slowliving", "ceramics"),
    "outdoor": ("hiking", "camping", "trail"),
    "pets": ("dogtok", "cattok", "petcare"),
}
CREATORS = (
    ("mira.vale", "Mira Vale"), ("odalys.ren", "Odalys Ren"), ("tomasino.k", "Tomasino K."),
    ("linxiaoyu", "Lin Xiaoyu"),
    ("bea.ondina", "Bea Ondina"), ("harlowe.j", "Harlowe J."), ("shenmo", "Shen Mo"), ("ilaria.fosco", "Ilaria Fosco"),
    ("noor.elwin", "Noor Elwin"), ("kenta.moriya", "Kenta Moriya"), ("juno.ashby", "Juno Ashby"), ("yanqiu", "Yan Qiu"),
    ("pietra.lo", "Pietra Lo"), ("dario.selva", "Dario Selva"), ("wen.tide", "Wen Tide"),
    ("saskia.brook", "Saskia Brook"),
)  # fmt: skip
RIVALS = (
    "Brumea", "Aurelisse", "Foglianera", "Silverfern Row", "Qingluo 青萝", "Marelune", "Oakenshade", "Tessuna",
    "Hoshimichi", "Valdirose", "Lichenry", "Pebblecroft", "Solemara", "Anemoa", "Stillgrove", "Yunhe 云禾", "Rivafort",
    "Cedarlane & Fox", "Nordhavn Mill", "Petalume",
)  # fmt: skip
FIRST_NAMES = {
    "US": ("Ava", "Liam", "Maya", "Noah", "Zoe", "Ethan", "Ruby", "Caleb", "Ivy", "Owen"),
    "GB": ("Isla", "Alfie", "Poppy", "Arthur", "Freya", "Harvey", "Elsie", "Rowan"),
    "DE": ("Lena", "Jonas", "Mila", "Finn", "Greta", "Anton", "Frieda", "Emil"),
    "IT": ("Giulia", "Lorenzo", "Chiara", "Matteo", "Elena", "Davide", "Irene", "Paolo"),
    "CN": ("Yuchen", "Xinyi", "Haoran", "Siqi", "Zihan", "Mengyao", "Junjie", "Ruoxi"),
    "TW": ("Chia-Hao", "Yi-Chun", "Pei-Shan", "Wei-Ting", "Shu-Fen", "Kuan-Yu"),
    "JP": ("Aoi", "Haruto", "Yui", "Sota", "Hina", "Ren", "Mei", "Kaito"),
}
LAST_NAMES = {
    "US": ("Carter", "Nguyen", "Brooks", "Ramirez", "Hayes", "Foster", "Patel", "Reed"),
    "GB": ("Whitlock", "Ashdown", "Pembury", "Hartnell", "Okafor", "Thorne"),
    "DE": ("Brandt", "Keller", "Vogel", "Lorenz", "Seidel", "Winter"),
    "IT": ("Moretti", "Ferri", "Galli", "Serra", "Villa", "Marchetti"),
    "CN": ("Zhou", "Lin", "Xu", "Tang", "He", "Qian", "Shao"),
    "TW": ("Chen", "Huang", "Tsai", "Hsu", "Liao", "Yeh"),
    "JP": ("Mori", "Sakai", "Ueda", "Hayashi", "Ono", "Kaneko"),
}
DIALLING = {"US": "+1", "GB": "+44", "DE": "+49", "IT": "+39", "CN": "+86", "TW": "+886", "JP": "+81"}
