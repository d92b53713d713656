CREATE TABLE member.cluster_run (
    run_id     integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    day        date NOT NULL,
    made_at    timestamptz NOT NULL,
    features   text[] NOT NULL,
    days       integer NOT NULL,
    scale      text NOT NULL,
    seed       bigint NOT NULL,
    k          integer NOT NULL,
    members    bigint NOT NULL,
    within     double precision NOT NULL,
    silhouette double precision,
    iterations integer NOT NULL,
    shift      double precision[] NOT NULL,
    width      double precision[] NOT NULL,
    centers    double precision[] NOT NULL
);
COMMENT ON TABLE member.cluster_run IS 'Clusterings of the members 聚类. Whose cluster is which is not stored: the centres of the run give it.';
COMMENT ON COLUMN member.cluster_run.features IS 'What members were compared by, in this order.';
COMMENT ON COLUMN member.cluster_run.days IS 'Days, ending with day, that were looked at.';
COMMENT ON COLUMN member.cluster_run.within IS 'Sum of the squared distances of the members from their centres, in scaled units.';
COMMENT ON COLUMN member.cluster_run.silhouette IS 'Mean simplified silhouette, up to 1: how far members are nearer to their own centre than to the next.';
COMMENT ON COLUMN member.cluster_run.iterations IS 'Passes over all members until nothing moved.';
COMMENT ON COLUMN member.cluster_run.shift IS 'What was taken off each feature before it was divided by width.';
COMMENT ON COLUMN member.cluster_run.centers IS 'Scaled centres, the largest cluster first.';

CREATE TABLE member.cluster (
    run_id         integer NOT NULL REFERENCES member.cluster_run ON DELETE CASCADE,
    cluster        integer NOT NULL,
    name           text,
    members        bigint NOT NULL,
    center         double precision[] NOT NULL,
    within         double precision NOT NULL,
    silhouette     double precision,
    orders         bigint NOT NULL DEFAULT 0,
    spend          numeric(16,2) NOT NULL DEFAULT 0,
    mean_order     numeric(14,2),
    store          text,
    store_share    numeric(5,2),
    category       text,
    category_share numeric(5,2),
    content        text,
    content_share  numeric(5,2),
    PRIMARY KEY (run_id, cluster)
);
COMMENT ON TABLE member.cluster IS 'Clusters of a run with their profile, number 1 the largest.';
COMMENT ON COLUMN member.cluster.name IS 'A name the brand gives it.';
COMMENT ON COLUMN member.cluster.center IS 'Mean of each feature, in its own unit.';
COMMENT ON COLUMN member.cluster.orders IS 'Purchases of its members in the days of the run, but for those refunded in whole.';
COMMENT ON COLUMN member.cluster.store IS 'Store with the most of them; store_share: percent of all.';
COMMENT ON COLUMN member.cluster.category IS 'Category most was spent on by purchase lines; category_share: percent of what lines with a category come to.';
COMMENT ON COLUMN member.cluster.content IS 'Category most of their events had, what they read and clicked; content_share: percent of the events with a category.';

CREATE TABLE member.basket_run (
    run_id         integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    what           text NOT NULL UNIQUE CHECK (what IN ('product', 'category', 'content', 'benefit')),
    day            date NOT NULL,
    made_at        timestamptz NOT NULL,
    days           integer NOT NULL,
    baskets        bigint NOT NULL,
    min_support    double precision NOT NULL,
    min_confidence double precision NOT NULL,
    min_lift       double precision NOT NULL,
    max_size       integer NOT NULL
);
COMMENT ON TABLE member.basket_run IS 'The last refresh of the association rules 关联规则 of each sort of item.';
COMMENT ON COLUMN member.basket_run.what IS 'product and category: of purchase lines, a basket a purchase; content: categories of events, a basket a member; benefit: benefits used, a basket a member.';
COMMENT ON COLUMN member.basket_run.days IS 'Days, ending with day, that were looked at.';

CREATE TABLE member.basket_rule (
    run_id      integer NOT NULL REFERENCES member.basket_run ON DELETE CASCADE,
    rule_no     integer NOT NULL,
    antecedent  text[] NOT NULL,
    consequent  text NOT NULL,
    occurrences bigint NOT NULL,
    support     double precision NOT NULL,
    confidence  double precision NOT NULL,
    lift        double precision NOT NULL,
    leverage    double precision NOT NULL,
    conviction  double precision NOT NULL,
    PRIMARY KEY (run_id, rule_no)
);
CREATE INDEX basket_rule_antecedent ON member.basket_rule USING gin (antecedent);
COMMENT ON TABLE member.basket_rule IS 'Association rules: who has the antecedent has the consequent too.';

CREATE TABLE member.item_sales (
    store    text NOT NULL,
    product  text NOT NULL,
    category text,
    day      date NOT NULL,
    lines    bigint NOT NULL,
    quantity numeric(16,3) NOT NULL,
    amount   numeric(16,2) NOT NULL,
    buyers   bigint NOT NULL,
    PRIMARY KEY (store, product)
);
COMMENT ON TABLE member.item_sales IS 'What was sold of each product in each store in the 30 days that end with the day: made anew by the daily run.';
COMMENT ON COLUMN member.item_sales.store IS 'Store as purchases name it; empty: none named.';
